export { parseKeyTemplate } from './key-template.js';
export { METHOD_ROOTS, methodScope, REQUEST_ROOTS } from './template-roots.js';
