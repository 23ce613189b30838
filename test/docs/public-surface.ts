import ts from 'typescript';
import { openModule } from './open-module.js';

/** The exports of a module, and their members. */
export interface PublicSurface {
  readonly names: readonly string[];
  /** The public members of an exported interface, type or class, without those of a library or marked `@internal`. */
  membersOf(name: string): string[];
}

export function publicSurface(file: string): PublicSurface {
  const { checker, module } = openModule(file);
  const symbols = new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]));

  return {
    names: [...symbols.keys()],
    membersOf(name) {
      const found = symbols.get(name);
      if (!found) throw new Error(`${file} does not export ${name}`);
      const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
      return checker
        .getDeclaredTypeOfSymbol(symbol)
        .getProperties()
        .filter((member) => isPublic(member) && !member.name.startsWith('__'))
        .map((member) => member.name);
    },
  };
}

function isPublic(member: ts.Symbol): boolean {
  if (member.getJsDocTags().some((tag) => tag.name === 'internal')) return false;
  // members of a library, such as the stack of an error, are documented there
  if (member.declarations?.every((each) => each.getSourceFile().fileName.includes('/node_modules/'))) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return !member.declarations?.some((declaration) => ts.getCombinedModifierFlags(declaration) & hidden);
}
