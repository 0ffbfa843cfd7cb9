/** No body of this API needs as much; what works on a body further on may recurse. */
const jsonDepthMax = 64;
/** More than the largest import has, and few enough values to be parsed in a moment. */
const jsonCommasMax = 100_000;

const [quote, backslash, comma, openers, closers] = [0x22, 0x5c, 0x2c, [0x5b, 0x7b], [0x5d, 0x7d]] as const;

export interface JsonSize {
  isTooLong: boolean;
  isTooDeep: boolean;
  /** False for what can't be JSON: a bracket or a text without its end. */
  isClosed: boolean;
}

/**
 * Measures JSON without parsing it: a megabyte may hold half a million values, which take a hundred times as long to
 * make as to count. Right for well-formed JSON, and harmless for any other.
 */
export function measureJson(json: Buffer): JsonSize {
  let [depth, deepest, commas] = [0, 0, 0];
  let isInText = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index];
    if (byte === quote) isInText = !isInText;
    else if (isInText) index += byte === backslash ? 1 : 0;
    else if (byte === comma) commas += 1;
    else if (byte === openers[0] || byte === openers[1]) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === closers[0] || byte === closers[1]) depth -= 1;
  }
  return {
    isTooLong: commas > jsonCommasMax,
    isTooDeep: deepest > jsonDepthMax,
    isClosed: depth === 0 && !isInText,
  };
}
