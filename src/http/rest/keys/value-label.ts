// Picks the media type that labels a value, by Accept (RFC 9110 section 12.5.1). The bytes are the
// same under each label, and the server never looks at them. So no label may be active content.

const octetStream = 'application/octet-stream';
const plainText = 'text/plain; charset=utf-8';
const json = 'application/json';

export type ValueLabel = typeof octetStream | typeof plainText | typeof json;

interface Offer {
  readonly label: ValueLabel;
  /** The ranges that match the label, the most specific first. */
  readonly ranges: readonly string[];
}

const offers: readonly Offer[] = [
  { label: octetStream, ranges: ['application/octet-stream', 'application/*', '*/*'] },
  { label: plainText, ranges: ['text/plain', 'text/*', '*/*'] },
  { label: json, ranges: ['application/json', 'application/*', '*/*'] },
];

const rangeText = /^[^\s;,/]+\/[^\s;,/]+$/;
const weightText = /^q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/i;
const utf8Parameter = /^charset="?utf-8"?$/i;

/** Ranges with their weights, in the header's order. Malformed and unknown ranges are left out. */
function weightsOf(accept: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const element of accept.split(',')) {
    const [range = '', ...parameters] = element.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => /^q=/i.test(parameter)) ?? 'q=1';
    const [, q] = weightText.exec(weight) ?? [];
    const foreign = parameters.some((text) => text !== weight && !utf8Parameter.test(text));
    if (q === undefined || foreign || !rangeText.test(range)) continue;
    if (!weights.has(range.toLowerCase())) weights.set(range.toLowerCase(), Number(q));
  }
  return weights;
}

/** The best label for an `Accept`. Octet-stream wins a tie, and then the first range in order. */
function negotiate(accept: string): ValueLabel {
  const weights = weightsOf(accept);
  const order = [...weights.keys()];
  let best: ValueLabel = octetStream;
  let bestWeight = 0;
  let bestPlace = Infinity;
  for (const { label, ranges } of offers) {
    const range = ranges.find((name) => weights.has(name));
    if (range === undefined) continue;
    const weight = weights.get(range) ?? 0;
    const place = label === octetStream ? -1 : order.indexOf(range);
    if (weight > bestWeight || (weight === bestWeight && weight > 0 && place < bestPlace)) {
      [best, bestWeight, bestPlace] = [label, weight, place];
    }
  }
  return best;
}

const negotiated = new Map<string, ValueLabel>();
const negotiatedMax = 256;

export function labelOfAccept(accept: string | undefined): ValueLabel {
  if (accept === undefined || accept === '*/*') return octetStream;
  const known = negotiated.get(accept);
  if (known !== undefined) return known;
  const label = negotiate(accept);
  // Clients send the same few texts again and again. Other texts must not fill the memory.
  if (negotiated.size >= negotiatedMax) negotiated.clear();
  negotiated.set(accept, label);
  return label;
}
