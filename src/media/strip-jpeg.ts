/** A file without what somebody wrote into it: pieces to put one behind the other. Null: not a whole, readable file. */
export type Pieces = readonly Uint8Array[]

const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
const begins = (bytes: Uint8Array, at: number, word: string): boolean =>
  word.split('').every((char, i) => bytes[at + i] === char.charCodeAt(0))

// Markers (ITU-T T.81, table B.1).
const soi = 0xd8
const eoi = 0xd9
const sos = 0xda
const app0 = 0xe0
const app1 = 0xe1
const app2 = 0xe2
const app14 = 0xee
const isApp = (marker: number): boolean => marker >= 0xe0 && marker <= 0xef
const isComment = (marker: number): boolean => marker === 0xfe
/** Stand alone, without a length; outside of a scan none of them has a place. */
const isBare = (marker: number): boolean => marker <= 0x01 || (marker >= 0xd0 && marker <= soi)
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

/** Keeps what decoding needs, the colour profile and the way up; drops EXIF, XMP, IPTC, comments, thumbnails, and
 *  whatever hangs on behind the end (a second picture, a film). */
export const stripJpeg = (bytes: Uint8Array): Pieces | null => {
  if (bytes[0] !== 0xff || bytes[1] !== soi) return null
  const front: Uint8Array[] = [bytes.subarray(0, 2)]
  const rest: Uint8Array[] = []
  let orientation = 1
  let framed = false
  let scanned = false
  for (let at = 2; ; ) {
    if (bytes[at] !== 0xff) return null
    // Any number of 0xff may stand before a marker (B.1.1.2).
    while (bytes[at + 1] === 0xff) at++
    const marker = bytes[at + 1]
    if (marker === undefined || isBare(marker)) return null
    if (marker === eoi) {
      if (!scanned) return null
      const upright = orientation === 1 ? [] : [exifOf(orientation)]
      return [...front, ...upright, ...rest, bytes.subarray(at, at + 2)]
    }
    const end = at + 2 + uint16(bytes, at + 2)
    if (end < at + 4 || end > bytes.length) return null
    const segment = bytes.subarray(at, end)
    at = end
    if (marker === app0 && begins(segment, 4, 'JFIF\0') && segment.length >= 18) front.push(withoutThumbnail(segment))
    if (marker === app1) orientation = orientationIn(segment) ?? orientation
    if (!isApp(marker) && !isComment(marker)) rest.push(segment)
    if (marker === app2 && begins(segment, 4, 'ICC_PROFILE\0')) rest.push(segment)
    // How the colours are meant, for files that Adobe's programs wrote.
    if (marker === app14 && begins(segment, 4, 'Adobe')) rest.push(segment)
    if (isFrame(marker)) {
      if (segment.length < 10 || uint16(segment, 5) === 0 || uint16(segment, 7) === 0) return null
      framed = true
    }
    if (marker !== sos) continue
    const next = framed ? endOfScan(bytes, at) : null
    if (next === null) return null
    rest.push(bytes.subarray(at, next))
    at = next
    scanned = true
  }
}

/** Where the next marker stands: behind 0xff, a zero is data and a restart marker belongs to the scan. */
const endOfScan = (bytes: Uint8Array, from: number): number | null => {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1]
    if (next === undefined) return null
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at
  }
  return null
}

const withoutThumbnail = (segment: Uint8Array): Uint8Array =>
  Uint8Array.from([0xff, app0, 0, 16, ...segment.subarray(4, 16), 0, 0])

/** The way up that an EXIF segment names (TIFF 6.0, section 2; tag 274), 1 to 8. */
const orientationIn = (segment: Uint8Array): number | null => {
  if (!begins(segment, 4, 'Exif\0\0') || segment.length < 18) return null
  const tiff = new DataView(segment.buffer, segment.byteOffset + 10, segment.length - 10)
  const little = tiff.getUint16(0) === 0x4949
  if ((!little && tiff.getUint16(0) !== 0x4d4d) || tiff.getUint16(2, little) !== 42) return null
  const first = tiff.getUint32(4, little)
  if (first + 2 > tiff.byteLength) return null
  const entries = tiff.getUint16(first, little)
  for (let i = 0; i < entries; i++) {
    const at = first + 2 + 12 * i
    if (at + 12 > tiff.byteLength) return null
    if (tiff.getUint16(at, little) !== 0x0112) continue
    const value = tiff.getUint16(at + 8, little)
    return value >= 1 && value <= 8 ? value : null
  }
  return null
}

/** An EXIF segment that says nothing but the way up. */
const exifOf = (orientation: number): Uint8Array => {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
  return Uint8Array.from([0xff, app1, 0, 8 + tiff.length, ...Buffer.from('Exif\0\0'), ...tiff])
}
