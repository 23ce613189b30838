// @ts-check
import { readFile } from 'node:fs/promises';
import ts from 'typescript';

/**
 * @typedef Import
 * @property {string} specifier
 * @property {boolean} isDynamic by `import()` or `require()`: loaded when that call runs, not with the file
 */

/**
 * The imports of a compiled file, which has no type imports.
 *
 * @param {string} file
 * @returns {Promise<Import[]>}
 */
export async function readImports(file) {
  const source = ts.createSourceFile(file, await readFile(file, 'utf8'), ts.ScriptTarget.Latest, true);
  /** @type {Import[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier) add(node.moduleSpecifier, false);
    } else if (ts.isCallExpression(node) && loads(node)) {
      add(node.arguments[0], true);
    }
    ts.forEachChild(node, visit);
  };
  /** @type {(specifier: ts.Expression | undefined, isDynamic: boolean) => void} */
  const add = (specifier, isDynamic) => {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push({ specifier: specifier.text, isDynamic });
    else throw new Error(`${file}: an import whose specifier is no plain string cannot be checked`);
  };
  visit(source);
  return found;
}

/** @param {ts.CallExpression} call */
function loads({ expression }) {
  const isImport = expression.kind === ts.SyntaxKind.ImportKeyword;
  return isImport || (ts.isIdentifier(expression) && expression.text === 'require');
}
