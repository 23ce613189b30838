import { parser } from '@prometheus-io/lezer-promql';

type SyntaxNode = ReturnType<typeof parser.parse>['topNode'];

/** A selector of a query: the series that it asks for. */
export interface Selector {
  readonly metric: string;
  /** The labels that its matchers name, and those by which an aggregation around it groups. */
  readonly labels: readonly string[];
  /** Whether it is asked for its change, by `rate` or `increase`. */
  readonly isRate: boolean;
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** The labels of the result: those by which the outermost aggregations group. */
  readonly results: readonly string[];
}

/** @throws Error for a text that is no PromQL */
export function readQuery(text: string): Query {
  // Grafana fills in its variables before it asks.
  const query = text.replaceAll('[$__rate_interval]', '[5m]');
  const top = parser.parse(query).topNode;
  const textOf = ({ from, to }: { from: number; to: number }): string => query.slice(from, to);
  const selectors: Selector[] = [];
  const results: string[] = [];

  const visit = (node: SyntaxNode, grouped: readonly string[], isRate: boolean, isInner: boolean): void => {
    if (node.type.isError) throw new Error(`no PromQL at ${String(node.from)}: ${query}`);
    let by = grouped;
    if (node.name === 'AggregateExpr') {
      const modifier = node.getChild('AggregateModifier')?.getChild('GroupingLabels');
      by = (modifier?.getChildren('LabelName') ?? []).map(textOf);
      if (!isInner) results.push(...by);
    }
    if (node.name === 'VectorSelector') {
      const name = node.getChild('Identifier');
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      const labels = matchers.map((matcher) => textOf(matcher.firstChild ?? matcher));
      selectors.push({ metric: name ? textOf(name) : '', labels: [...labels, ...by], isRate });
    }
    const rates = node.name === 'FunctionCall' && /^(?:rate|increase)\(/.test(textOf(node));
    for (let child = node.firstChild; child; child = child.nextSibling) {
      visit(child, by, isRate || rates, isInner || node.name === 'AggregateExpr');
    }
  };
  visit(top, [], false, false);
  return { selectors, results };
}
