/** Three values of 0–255. */
export type Color = readonly [number, number, number]

/** Decoded pixels, three bytes each, row by row from the top. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** Left, top, right, bottom. */
export type Box = readonly [number, number, number, number]

/** `distance` to the outline is negative inside; nothing of it lies outside of `box`. */
export interface Shape {
  readonly box: Box
  readonly distance: (x: number, y: number) => number
}

export type Paint = Color | ((x: number, y: number) => Color)

/** Coordinates are picture heights: y runs from 0 (top) to 1, x from 0 to `aspect`. */
export interface Canvas extends Pixels {
  readonly aspect: number
  /** `alpha` is the strongest cover, `blur` the width of a soft edge. */
  readonly fill: (shape: Shape, paint: Paint, alpha?: number, blur?: number) => void
}

export const mix = (a: Color, b: Color, t: number): Color => {
  const k = Math.min(1, Math.max(0, t))
  return [a[0] + (b[0] - a[0]) * k, a[1] + (b[1] - a[1]) * k, a[2] + (b[2] - a[2]) * k]
}

export const circle = (cx: number, cy: number, r: number): Shape => ({
  box: [cx - r, cy - r, cx + r, cy + r],
  distance: (x, y) => Math.hypot(x - cx, y - cy) - r,
})

/** Close enough to a distance for fills; exact on the axes. */
export const ellipse = (cx: number, cy: number, rx: number, ry: number): Shape => ({
  box: [cx - rx, cy - ry, cx + rx, cy + ry],
  distance: (x, y) => (Math.hypot((x - cx) / rx, (y - cy) / ry) - 1) * Math.min(rx, ry),
})

/** A line with round ends whose thickness runs from `ra` to `rb`. */
export const limb = (ax: number, ay: number, bx: number, by: number, ra: number, rb: number): Shape => ({
  box: [Math.min(ax - ra, bx - rb), Math.min(ay - ra, by - rb), Math.max(ax + ra, bx + rb), Math.max(ay + ra, by + rb)],
  distance: (x, y) => {
    const [dx, dy] = [bx - ax, by - ay]
    const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
    return Math.hypot(x - ax - dx * t, y - ay - dy * t) - (ra + (rb - ra) * t)
  },
})

/** A closed outline given as x, y, x, y, …; `round` softens its corners. */
export function polygon(points: readonly number[], round = 0): Shape {
  const count = points.length / 2
  const xs = points.filter((_, i) => i % 2 === 0)
  const ys = points.filter((_, i) => i % 2 === 1)
  const distance = (x: number, y: number) => {
    let best = Infinity
    let inside = false
    for (let i = 0, j = count - 1; i < count; j = i++) {
      const ax = xs[i] as number
      const ay = ys[i] as number
      const ex = (xs[j] as number) - ax
      const ey = (ys[j] as number) - ay
      const t = Math.min(1, Math.max(0, ((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey)))
      best = Math.min(best, Math.hypot(x - ax - ex * t, y - ay - ey * t))
      if (ay > y !== ay + ey > y && x < (ex * (y - ay)) / ey + ax) inside = !inside
    }
    return (inside ? -best : best) - round
  }
  const box = [
    Math.min(...xs) - round,
    Math.min(...ys) - round,
    Math.max(...xs) + round,
    Math.max(...ys) + round,
  ] as const
  return { box, distance }
}

/** Joins shapes with a soft seam of about `k`. */
export const blend = (k: number, ...shapes: readonly Shape[]): Shape => ({
  box: [
    Math.min(...shapes.map((s) => s.box[0])) - k / 4,
    Math.min(...shapes.map((s) => s.box[1])) - k / 4,
    Math.max(...shapes.map((s) => s.box[2])) + k / 4,
    Math.max(...shapes.map((s) => s.box[3])) + k / 4,
  ],
  distance: (x, y) => {
    let sum = 1e9
    for (const shape of shapes) {
      const d = shape.distance(x, y)
      const h = Math.max(0, k - Math.abs(sum - d)) / k
      sum = Math.min(sum, d) - (h * h * k) / 4
    }
    return sum
  },
})

export function createCanvas(width: number, height: number): Canvas {
  const rgb = new Uint8Array(width * height * 3)
  const fill: Canvas['fill'] = ({ box, distance }, paint, alpha = 1, blur = 0) => {
    const edge = Math.max(1 / height, blur)
    const left = Math.max(0, Math.floor((box[0] - edge) * height))
    const right = Math.min(width, Math.ceil((box[2] + edge) * height))
    const bottom = Math.min(height, Math.ceil((box[3] + edge) * height))
    for (let py = Math.max(0, Math.floor((box[1] - edge) * height)); py < bottom; py++) {
      const y = (py + 0.5) / height
      for (let px = left; px < right; px++) {
        const x = (px + 0.5) / height
        const inside = 0.5 - distance(x, y) / edge
        if (inside <= 0) continue
        const t = Math.min(1, inside)
        const cover = alpha * (blur > 0 ? t * t * (3 - 2 * t) : t)
        const color = typeof paint === 'function' ? paint(x, y) : paint
        const at = (py * width + px) * 3
        for (let c = 0; c < 3; c++) {
          const old = rgb[at + c] as number
          rgb[at + c] = old + ((color[c] as number) - old) * cover + 0.5
        }
      }
    }
  }
  return { width, height, rgb, aspect: width / height, fill }
}
