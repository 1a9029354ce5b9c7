export interface Bits {
  /** Least significant bit first. */
  readonly put: (value: number, length: number) => void
  readonly end: () => Buffer
}

export function createBits(): Bits {
  let bytes = Buffer.alloc(4096)
  let used = 0
  let held = 0
  let count = 0
  const push = (byte: number) => {
    if (used === bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length)])
    bytes[used++] = byte
  }
  return {
    put: (value, length) => {
      held |= value << count
      count += length
      for (; count >= 8; count -= 8) {
        push(held & 255)
        held >>>= 8
      }
    },
    end: () => {
      if (count > 0) push(held & 255)
      return bytes.subarray(0, used)
    },
  }
}

/** Huffman code lengths, none above `limit`: counts are flattened until the tree is shallow enough. */
export function prefixLengths(counts: readonly number[], limit: number): number[] {
  const lengths = new Array<number>(counts.length).fill(0)
  interface Node {
    readonly weight: number
    readonly leaves: readonly number[]
  }
  let nodes: Node[] = counts.flatMap((weight, leaf) => (weight > 0 ? [{ weight, leaves: [leaf] }] : []))
  if (nodes.length === 1) lengths[(nodes[0] as Node).leaves[0] as number] = 1
  while (nodes.length > 1) {
    nodes.sort((a, b) => b.weight - a.weight)
    const [a, b] = [nodes.pop() as Node, nodes.pop() as Node]
    const leaves = [...a.leaves, ...b.leaves]
    for (const leaf of leaves) lengths[leaf] = (lengths[leaf] as number) + 1
    nodes = [...nodes, { weight: a.weight + b.weight, leaves }]
  }
  if (Math.max(...lengths) <= limit) return lengths
  const flatter = counts.map((count) => Math.ceil(count / 2))
  return prefixLengths(flatter, limit)
}

/** Order in which the lengths of the code-length code are stored (RFC 9649, section 3.7.2.1.2). */
const order = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]

/** Stores a prefix code and returns the writer of its symbols. A code of one symbol takes no bits. */
export function writePrefixCode(bits: Bits, lengths: readonly number[]): (symbol: number) => void {
  const used = lengths.flatMap((length, symbol) => (length > 0 ? [symbol] : []))
  if (used.length === 1) {
    bits.put(0b101, 3)
    bits.put(used[0] as number, 8)
    return () => {}
  }
  const counts = new Array<number>(19).fill(0)
  for (const length of lengths) counts[length] = (counts[length] as number) + 1
  const outer = prefixLengths(counts, 7)
  bits.put(0, 1)
  bits.put(15, 4)
  for (const symbol of order) bits.put(outer[symbol] as number, 3)
  bits.put(0, 1)
  const writeLength = writer(bits, outer)
  for (const length of lengths) writeLength(length)
  return writer(bits, lengths)
}

/** Canonical codes, stored with their bits in reverse. */
function writer(bits: Bits, lengths: readonly number[]): (symbol: number) => void {
  const codes = new Array<number>(lengths.length).fill(0)
  const longest = Math.max(...lengths)
  let code = 0
  for (let length = 1; length <= longest; length++) {
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue
      for (let i = 0; i < length; i++)
        codes[symbol] = (codes[symbol] as number) | (((code >> (length - 1 - i)) & 1) << i)
      code++
    }
    code <<= 1
  }
  const only = lengths.filter((length) => length > 0).length === 1
  return (symbol) => bits.put(codes[symbol] as number, only ? 0 : (lengths[symbol] as number))
}
