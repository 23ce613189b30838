import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { METRICS } from '../../lib/operations/metrics/metric-definitions.js';
import { LockingPrometheusModule } from '../../lib/operations/prometheus/index.js';
import { LockingTestingModule } from '../../lib/testing/index.js';
import { readQuery } from './support/promql.js';
import { tableRows } from '../support/markdown.js';
import { useApps } from '../support/nest-apps.js';

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const dashboard = JSON.parse(read('monitoring/grafana-dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
};
const rules = (parse(read('monitoring/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** Every query, and the labels of its result that a legend or a message names. */
const queries = [
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ of: title, expr, named: labelsIn(legendFormat, /\{\{(\w+)\}\}/g) })),
  ),
  ...rules.map(({ alert, expr, annotations }) => ({
    of: alert,
    expr,
    named: labelsIn(Object.values(annotations).join(' '), /\{\{ \$labels\.(\w+) \}\}/g),
  })),
];

function labelsIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, label = '']) => label);
}

/** The series that the exporter has: their kind, and their labels as a query sees them. */
async function exposed(registry: Registry): Promise<Map<string, { isCounter: boolean; labels: string[] }>> {
  const series = new Map<string, { isCounter: boolean; labels: string[] }>();
  for (const { name, type } of (await registry.getMetricsAsJSON()) as { name: string; type: unknown }[]) {
    const own = namesOf(name) ?? [];
    // Prometheus gives each series the labels of its target.
    const labels = [...own, 'instance'];
    const isHistogram = String(type) === 'histogram';
    for (const suffix of isHistogram ? ['_bucket', '_count', '_sum'] : ['']) {
      const more = suffix === '_bucket' ? ['le'] : [];
      series.set(name + suffix, { isCounter: isHistogram || String(type) === 'counter', labels: [...labels, ...more] });
    }
  }
  return series;
}

/** The labels of the metric that Prometheus calls so. */
function namesOf(name: string): readonly string[] | undefined {
  return Object.values(METRICS).find(({ name: dotted, kind }) => {
    const suffix = { histogram: '_seconds', counter: '_total', gauge: '' }[kind];
    return name === dotted.replaceAll('.', '_') + suffix;
  })?.labels;
}

describe('the dashboard and the alert rules', () => {
  const startApp = useApps();

  const start = async (): Promise<Map<string, { isCounter: boolean; labels: string[] }>> => {
    const registry = new Registry();
    await startApp({ imports: [LockingTestingModule.forRoot(), LockingPrometheusModule.forRoot({ registry })] });
    return exposed(registry);
  };

  it('each query is PromQL, and asks for series and labels that the exporter has', async () => {
    const series = await start();
    expect(queries.length).toBeGreaterThan(25);
    for (const { of, expr, named } of queries) {
      const { selectors, results } = readQuery(expr);
      expect([of, selectors.length > 0]).toEqual([of, true]);
      for (const { metric, labels, isRate } of selectors) {
        const found = series.get(metric);
        expect([of, metric, found !== undefined]).toEqual([of, metric, true]);
        expect([of, metric, labels.filter((label) => !found?.labels.includes(label))]).toEqual([of, metric, []]);
        // The change of a gauge has no meaning, and nor has the sum of a counter since its start.
        if (!expr.includes('unless')) expect([of, metric, isRate]).toEqual([of, metric, found?.isCounter]);
      }
      expect([of, named.filter((label) => !results.includes(label))]).toEqual([of, []]);
    }
  });

  it('each metric is asked for by a panel, and the variables are values of labels that there are', async () => {
    const series = await start();
    const asked = new Set(queries.flatMap(({ expr }) => readQuery(expr).selectors.map(({ metric }) => metric)));
    const base = (name: string): string => name.replace(/_(?:bucket|count|sum)$/, '');
    expect([...series.keys()].filter((name) => ![...asked].some((one) => base(one) === base(name)))).toEqual([]);
    const [source, ...variables] = dashboard.templating.list;
    expect(source?.query).toBe('prometheus');
    for (const { name, query } of variables) {
      const text = typeof query === 'string' ? query : query.query;
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(text) ?? [];
      expect([name, series.get(metric)?.labels.includes(label)]).toEqual([name, true]);
    }
  });

  it('no label is one that Prometheus gives to the target', () => {
    const labels: string[] = Object.values(METRICS).flatMap((metric) => [...metric.labels]);
    expect(labels.filter((label) => label === 'job' || label === 'instance')).toEqual([]);
  });

  it.each(['sum by (le (rate(x[5m]))', 'rate(locking_held[5m]', 'a{b="c"', 'sum(a) bye (b)'])(
    'a text that is no PromQL is found: %s',
    (text) => {
      expect(() => readQuery(text)).toThrow(/no PromQL/);
    },
  );

  it('the page of the metrics has a row for each of them', () => {
    const page = read('metrics.md');
    for (const { name, kind, labels } of Object.values(METRICS)) {
      const [row] = tableRows(page, name);
      expect([name, row?.[2]]).toEqual([name, kind]);
      const named = row?.[3]?.match(/\w+/g) ?? [];
      expect(named).toEqual(labels.filter((label) => label !== 'provider'));
    }
  });

  it('the dashboard has what Grafana needs of one', () => {
    expect(dashboard).toMatchObject({
      title: expect.any(String),
      uid: expect.stringMatching(/^[\w-]{1,40}$/),
      schemaVersion: expect.any(Number),
      time: { from: expect.any(String), to: expect.any(String) },
    });
    expect(dashboard).not.toHaveProperty('id');
    for (const panel of dashboard.panels) {
      expect(panel).toMatchObject({
        type: expect.stringMatching(/^(?:stat|timeseries|state-timeline|table|heatmap)$/),
        title: expect.stringMatching(/./),
        fieldConfig: { defaults: expect.any(Object), overrides: expect.any(Array) },
        options: expect.any(Object),
      });
      const ids = panel.targets.map(({ refId }) => refId);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('the panels of the dashboard have their places, and a source that the reader chooses', () => {
    const { panels, templating } = dashboard;
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'provider', 'template']);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { datasource, targets } of panels) {
      expect(datasource.uid).toBe('${datasource}');
      expect(targets.length).toBeGreaterThan(0);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
