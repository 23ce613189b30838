import ts from 'typescript';
import { openModule } from './open-module.js';

/** The docstring of an export, or of one of its members. */
export interface Docstring {
  readonly name: string;
  readonly text: string;
  /** The tags that it has, such as `example`. */
  readonly tags: readonly string[];
  readonly isMethod: boolean;
}

/** The docstrings of a module, with inherited members of Nest and Node that users call. */
export interface PublicDocs {
  readonly exported: readonly Docstring[];
  readonly statics: readonly Docstring[];
  /** The methods of classes and interfaces, and every member of a type whose name ends with `Options`. */
  readonly members: readonly Docstring[];
}

/** Static members of every error class in JavaScript. */
const OF_ERRORS = ['captureStackTrace', 'prepareStackTrace', 'stackTraceLimit'];

export function publicDocs(file: string): PublicDocs {
  const { checker, source, module } = openModule(file);

  const docstring = (symbol: ts.Symbol, name = symbol.name): Docstring => ({
    name,
    text: ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim(),
    tags: symbol.getJsDocTags(checker).map((tag) => tag.name),
    isMethod: checker.getTypeOfSymbolAtLocation(symbol, source).getCallSignatures().length > 0,
  });
  const exported = checker
    .getExportsOfModule(module)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol));
  const classes = exported.filter(({ flags }) => flags & ts.SymbolFlags.Class);
  const types = exported.filter(({ flags }) => flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface));

  return {
    exported: exported.map((symbol) => docstring(symbol)),
    statics: classes.flatMap((symbol) =>
      checker
        .getTypeOfSymbolAtLocation(symbol, source)
        .getProperties()
        .filter((member) => member.name !== 'prototype' && !OF_ERRORS.includes(member.name) && isPublic(member))
        .map((member) => docstring(member, `${symbol.name}.${member.name}`)),
    ),
    members: types.flatMap((symbol) =>
      checker
        .getDeclaredTypeOfSymbol(symbol)
        .getProperties()
        .filter((member) => isPublic(member) && isOurs(member))
        .map((member) => docstring(member, `${symbol.name}.${member.name}`))
        .filter(({ isMethod }) => isMethod || symbol.name.endsWith('Options')),
    ),
  };
}

function isPublic(member: ts.Symbol): boolean {
  if (/^(?:__|#)/.test(member.name)) return false;
  if (member.getJsDocTags().some((tag) => tag.name === 'internal')) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return !member.declarations?.some((declaration) => ts.getCombinedModifierFlags(declaration) & hidden);
}

function isOurs(member: ts.Symbol): boolean {
  return !member.declarations?.every((each) => each.getSourceFile().fileName.includes('/node_modules/'));
}
