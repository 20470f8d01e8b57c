// Draws a chart of horizontal bars as SVG, readable on light and on dark pages. A bar may have a line
// for its spread. Knows nothing of rows and contenders.

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Shown behind the bar. */
  readonly text: string;
  readonly least?: number;
  readonly most?: number;
  /** The bar that others are compared with has a colour of its own. */
  readonly isOurs?: boolean;
}

export interface BarChart {
  readonly title: string;
  readonly subtitle: string;
  readonly bars: readonly Bar[];
  /** A vertical line at this value. */
  readonly mark?: number;
}

const width = 840;
const labelWidth = 320;
const textWidth = 150;
const barsWidth = width - labelWidth - textWidth;
const top = 62;
const step = 30;
const barHeight = 18;

const style = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 }
  .small { font-size: 12px; fill: #57606a }
  .bar { fill: #8c959f }
  .ours { fill: #0969da }
  .spread, .mark { stroke: #24292f; stroke-width: 1.5 }
  .mark { stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .bar { fill: #6e7681 }
    .ours { fill: #4493f8 }
    .spread, .mark { stroke: #e6edf3 }
  }
`;

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}

function drawBar(bar: Bar, row: number, scale: (value: number) => number): string {
  const y = top + row * step;
  const middle = y + barHeight / 2;
  const end = Math.max(scale(bar.value), scale(bar.most ?? 0));
  const parts = [
    `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end">${escapeXml(bar.label)}</text>`,
    `<rect class="${bar.isOurs === true ? 'ours' : 'bar'}" x="${labelWidth}" y="${y}"` +
      ` width="${scale(bar.value)}" height="${barHeight}" rx="2"/>`,
  ];
  if (bar.least !== undefined && bar.most !== undefined) {
    const [from, to] = [labelWidth + scale(bar.least), labelWidth + scale(bar.most)];
    parts.push(
      `<path class="spread" d="M${from} ${middle}H${to}M${from} ${middle - 4}v8M${to} ${middle - 4}v8"/>`,
    );
  }
  const x = labelWidth + end + 8;
  parts.push(`<text class="small" x="${x}" y="${middle + 4}">${escapeXml(bar.text)}</text>`);
  return parts.join('\n');
}

/** @returns the text of an SVG file */
export function barChart({ title, subtitle, bars, mark }: BarChart): string {
  const most = Math.max(mark ?? 0, ...bars.map((bar) => Math.max(bar.value, bar.most ?? 0)));
  const scale = (value: number) => Math.round((value / (most || 1)) * barsWidth * 10) / 10;
  const height = top + bars.length * step + 10;
  const markX = labelWidth + scale(mark ?? 0);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"` +
      ` viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="12" y="24">${escapeXml(title)}</text>`,
    `<text class="small" x="12" y="44">${escapeXml(subtitle)}</text>`,
    ...bars.map((bar, row) => drawBar(bar, row, scale)),
    ...(mark === undefined ? [] : [`<path class="mark" d="M${markX} ${top - 6}V${height - 8}"/>`]),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}
