/** No body of this API needs as much; what works on a body further on may recurse. */
const jsonDepthMax = 64;
/** More than the largest import has, and few enough values to be parsed in a moment. */
const jsonCommasMax = 60_000;
/** Of one object, beyond what any schema takes: names that are all different cost many times what as many values in a list do. */
const jsonNamesMax = 5_000;

const [quote, backslash, comma, openers, closers] = [0x22, 0x5c, 0x2c, [0x5b, 0x7b], [0x5d, 0x7d]] as const;

/** Why JSON is not worth parsing. `broken`: a bracket or a text without its end. */
export type JsonFault = 'broken' | 'too deep' | 'too many values';

/**
 * Looks at JSON without parsing it: a megabyte may hold half a million values, which take a hundred times as long to
 * make as to count. Right for well-formed JSON, and harmless for any other. It stops at the first value too many, so
 * what is full of them costs no more than what is just within the bounds.
 */
export function faultOfJson(json: Buffer): JsonFault | undefined {
  let [depth, deepest] = [0, 0];
  let isInText = false;
  let commasLeft = jsonCommasMax;
  /** How many more commas the list or object at each depth may have. */
  const left = new Int32Array(jsonDepthMax + 1).fill(jsonCommasMax);
  for (let index = 0; index < json.length; index++) {
    const byte = json[index];
    if (byte === quote) isInText = !isInText;
    else if (isInText) index += byte === backslash ? 1 : 0;
    else if (byte === comma) {
      const more = left[depth] ?? jsonCommasMax;
      if (commasLeft === 0 || more === 0) return 'too many values';
      commasLeft -= 1;
      left[depth] = more - 1;
    } else if (byte === openers[0] || byte === openers[1]) {
      depth += 1;
      if (depth > deepest) deepest = depth;
      left[depth] = byte === openers[1] ? jsonNamesMax - 1 : jsonCommasMax;
    } else if (byte === closers[0] || byte === closers[1]) depth -= 1;
  }
  if (depth !== 0 || isInText) return 'broken';
  return deepest > jsonDepthMax ? 'too deep' : undefined;
}
