import { blend, type Canvas, type Color, circle, ellipse, limb, mix, polygon, type Shape } from './canvas.ts'

const rust: Color = [214, 88, 30]
const ember: Color = [150, 48, 18]
const gold: Color = [245, 150, 66]
const cream: Color = [252, 240, 222]
const soot: Color = [44, 30, 30]
const white: Color = [255, 255, 255]

/** Draws in fox units: origin between the feet, one unit high, v upwards. */
type Part = (shape: Shape, paint: Color | ((u: number, v: number) => Color), alpha?: number, blur?: number) => void

const fur = (u: number, v: number): Color => mix(mix(ember, rust, v * 2.2), gold, (v - 0.35) * 0.9 - u * 0.7)

/** A sitting red fox. `x` is its middle, `y` its feet, `size` its height, all in picture heights.
 *  `light` colours it a little, `shade` (0–1) puts it in the dark. */
export function paintFox(canvas: Canvas, x: number, y: number, size: number, light: Color, shade: number): void {
  const lit = (color: Color): Color => mix(mix(color, light, 0.12), [16, 20, 44], shade)
  const part: Part = ({ box, distance }, paint, alpha = 1, blur = 0) => {
    const shape: Shape = {
      box: [x + box[0] * size, y - box[3] * size, x + box[2] * size, y - box[1] * size],
      distance: (px, py) => distance((px - x) / size, (y - py) / size) * size,
    }
    const painted = (px: number, py: number) =>
      lit(typeof paint === 'function' ? paint((px - x) / size, (y - py) / size) : paint)
    canvas.fill(shape, painted, alpha, blur * size)
  }
  part(ellipse(0.06, -0.01, 0.5, 0.045), soot, 0.45, 0.06)
  paintTail(part)
  paintBody(part)
  paintEars(part)
  paintHead(part)
}

function paintTail(part: Part): void {
  const tail = blend(
    0.06,
    limb(0.12, 0.07, 0.36, 0.08, 0.07, 0.105),
    limb(0.36, 0.08, 0.47, 0.22, 0.105, 0.11),
    limb(0.47, 0.22, 0.42, 0.4, 0.11, 0.035),
  )
  const ruffle = (u: number, v: number) => Math.sin(Math.atan2(v - 0.2, u - 0.3) * 30) * 0.003
  const furred: Shape = { box: tail.box, distance: (u, v) => tail.distance(u, v) + ruffle(u, v) }
  part(furred, (u, v) => mix(mix(ember, gold, (u - 0.1) * 1.9), cream, (v - 0.27 + Math.sin(u * 60) * 0.012) * 40))
}

function paintBody(part: Part): void {
  const haunches = [ellipse(-0.12, 0.1, 0.11, 0.1), ellipse(0.12, 0.1, 0.11, 0.1)]
  part(blend(0.1, ellipse(0, 0.21, 0.16, 0.22), ...haunches, ellipse(0, 0.4, 0.12, 0.12)), fur)
  part(ellipse(-0.15, 0.08, 0.06, 0.075), ember, 0.25, 0.06)
  part(ellipse(0.15, 0.08, 0.06, 0.075), ember, 0.35, 0.06)
  const bib = [-0.1, 0.44, 0.1, 0.44, 0.08, 0.3, 0.045, 0.27, 0.02, 0.2, 0, 0.24, -0.02, 0.2, -0.05, 0.28, -0.08, 0.3]
  part(polygon(bib, 0.02), (u, v) => mix(cream, [226, 190, 160], (0.34 - v) * 3 + u))
  for (const side of [-1, 1]) {
    const leg = limb(side * 0.065, 0.24, side * 0.06, 0.02, 0.045, 0.036)
    const paw = blend(0.03, leg, ellipse(side * 0.065, 0.012, 0.05, 0.028))
    part(paw, (u, v) => mix(mix(soot, [92, 40, 24], v * 4), fur(u, v), (v - 0.12) * 12))
  }
}

function paintEars(part: Part): void {
  for (const side of [-1, 1]) {
    const ear = polygon([side * 0.06, 0.76, side * 0.2, 0.7, side * 0.185, 0.95], 0.018)
    part(ear, (u, v) => mix(fur(u, v), soot, (v - 0.86) * 14))
    part(polygon([side * 0.1, 0.77, side * 0.18, 0.73, side * 0.17, 0.88], 0.004), [92, 44, 40], 0.85)
    part(polygon([side * 0.1, 0.76, side * 0.15, 0.74, side * 0.14, 0.83], 0.004), cream, 0.7, 0.02)
  }
}

function paintHead(part: Part): void {
  const jaw = polygon([-0.24, 0.6, 0.24, 0.6, 0.1, 0.5, 0, 0.455, -0.1, 0.5], 0.012)
  part(blend(0.07, ellipse(0, 0.67, 0.19, 0.145), jaw, ellipse(0, 0.52, 0.075, 0.06)), fur)
  const cheek = [0.235, 0.602, 0.13, 0.625, 0.055, 0.58, 0.03, 0.5, 0, 0.46, 0.1, 0.5, 0.17, 0.53]
  for (const side of [-1, 1]) {
    const outline = cheek.map((value, i) => (i % 2 === 0 ? side * value : value))
    part(polygon(outline, 0.008), (u, v) => mix(cream, [224, 196, 176], (0.54 - v) * 5 + Math.abs(u) * 0.4))
    part(limb(side * 0.035, 0.565, side * 0.012, 0.52, 0.03, 0.018), cream, 0.9, 0.02)
    part(ellipse(side * 0.085, 0.665, 0.033, 0.036), [70, 26, 14], 0.8, 0.015)
    part(ellipse(side * 0.085, 0.665, 0.026, 0.03), [28, 18, 18])
    part(ellipse(side * 0.083, 0.66, 0.018, 0.021), [112, 62, 22], 0.55, 0.012)
    part(circle(side * 0.085 + 0.009, 0.676, 0.0075), white)
    part(ellipse(side * 0.075, 0.722, 0.025, 0.012), gold, 0.8, 0.02)
  }
  part(polygon([-0.02, 0.66, 0.02, 0.66, 0.028, 0.54, -0.028, 0.54], 0.01), gold, 0.55, 0.04)
  part(ellipse(0, 0.515, 0.033, 0.023), soot)
  part(ellipse(-0.008, 0.522, 0.011, 0.006), [150, 140, 145], 0.8, 0.008)
  part(limb(0, 0.495, 0, 0.478, 0.003, 0.003), soot, 0.8)
  part(limb(0, 0.478, 0.032, 0.487, 0.003, 0.002), soot, 0.8)
  part(limb(0, 0.478, -0.032, 0.487, 0.003, 0.002), soot, 0.8)
}
