export { type KeyTemplate, parseKeyTemplate } from './key-template.js';
export { METHOD_ROOTS, methodScope, REQUEST_ROOTS, type TemplateRoots, type TemplateScope } from './template-roots.js';
