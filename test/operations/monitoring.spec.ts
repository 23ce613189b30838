import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { METRICS } from '../../lib/operations/metrics/metric-definitions.js';
import { LockingPrometheusModule } from '../../lib/operations/prometheus/index.js';
import { LockingTestingModule } from '../../lib/testing/index.js';
import { tableRows } from '../support/markdown.js';
import { useApps } from '../support/nest-apps.js';

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(read('monitoring/grafana-dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
};
const alerts = read('monitoring/alerts.yml');

describe('the dashboard and the alert rules', () => {
  const startApp = useApps();

  it('the dashboard and the rules ask for metrics and labels that there are', async () => {
    const registry = new Registry();
    await startApp({ imports: [LockingTestingModule.forRoot(), LockingPrometheusModule.forRoot({ registry })] });
    const known = registry.getMetricsAsArray().map(({ name }) => name);
    const queries = [...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), alerts];
    const asked = queries.join('\n').match(/\blocking_\w+/g) ?? [];
    const names = [...new Set(asked.map((name) => name.replace(/_(?:bucket|count|sum)$/, '')))];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => !names.includes(name))).toEqual([]);
    const labels = new Set<string>([
      ...Object.values(METRICS).flatMap((metric) => [...metric.labels]),
      'le',
      'instance',
    ]);
    const grouped = [...queries.join('\n').matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(/,\s*/),
    );
    expect(grouped.length).toBeGreaterThan(10);
    expect(grouped.filter((label) => !labels.has(label))).toEqual([]);
  });

  it('the page of the metrics has a row for each of them', () => {
    const page = read('metrics.md');
    for (const { name, kind, labels } of Object.values(METRICS)) {
      const [row] = tableRows(page, name);
      expect([name, row?.[2]]).toEqual([name, kind]);
      const named = row?.[3]?.match(/\w+/g) ?? [];
      expect(named).toEqual(labels.filter((label) => label !== 'provider'));
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
