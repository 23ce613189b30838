import path from 'node:path';
import ts from 'typescript';

/** A module as the compiler sees it. */
export interface OpenModule {
  readonly checker: ts.TypeChecker;
  readonly source: ts.SourceFile;
  readonly module: ts.Symbol;
}

export function openModule(file: string): OpenModule {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    experimentalDecorators: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(path.resolve(file));
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is no module`);
  return { checker, source, module };
}
