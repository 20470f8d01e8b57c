// Charts: bars in proportion, their spread, a mark, escaped texts, and colours for dark pages.
import { expect, test } from 'vitest';
import { barChart, escapeXml } from '../../../bench/report/bar-chart.ts';

const bars = [
  { label: 'holdfast', value: 100, text: '100', least: 50, most: 200, isOurs: true },
  { label: 'a & b', value: 50, text: '50' },
];
const chart = barChart({ title: 'get <hot>', subtitle: 'fsync always', bars, mark: 150 });

test('bars are in proportion to the greatest value or spread', () => {
  const widths = [...chart.matchAll(/<rect class="\w+" x="320" y="\d+" width="([\d.]+)"/g)];
  expect(widths.map(([, text]) => Number(text))).toEqual([185, 92.5]);
});

test('a spread is a line from the least to the most', () => {
  expect(chart.match(/class="spread" d="M412\.5 71H690/)).not.toBeNull();
  expect(chart.match(/class="spread"/g)).toHaveLength(1);
});

test('the mark stands at its value', () => {
  expect(chart).toContain('class="mark" d="M597.5 ');
});

test('texts are escaped, and colours follow the page', () => {
  expect(chart).toContain('get &lt;hot&gt;');
  expect(chart).toContain('a &amp; b');
  expect(chart).toContain('prefers-color-scheme: dark');
  expect(escapeXml('"')).toBe('&quot;');
});

test('a chart without bars is a chart', () => {
  expect(barChart({ title: 't', subtitle: 's', bars: [] })).toMatch(/^<svg [^]*<\/svg>\n$/);
});
