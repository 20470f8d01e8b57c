// The parts that JSON Schemas are put together from. Knows no document.

type Schemas = Readonly<Record<string, object>>;

/** An object whose later members may be absent. */
export function object(required: Schemas, optional: Schemas = {}) {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
  };
}

/** Like `object`, without other members. */
export function strictObject(required: Schemas, optional?: Schemas) {
  return { ...object(required, optional), additionalProperties: false };
}

export const arrayOf = (items: object) => ({ type: 'array', items });
export const oneOfText = (...texts: readonly string[]) => ({ enum: texts });
export const exactly = (text: string) => ({ type: 'string', const: text });

export const boolean = { type: 'boolean' };
export const integer = { type: 'integer' };
export const string = { type: 'string' };
export const count = { type: 'integer', minimum: 0 };
