import { type Canvas, type Color, circle, createCanvas, ellipse, mix, type Pixels, polygon } from './canvas.ts'
import { paintFox } from './fox.ts'

/** What a finished picture depends on; equal scenes give equal bytes. */
export interface Scene {
  readonly prompt: string
  readonly seed: string
  readonly width: number
  readonly height: number
  /** How big the fox is, in picture heights; 0: a landscape without one. */
  readonly fox: number
}

interface Mood {
  readonly words: RegExp
  /** Zenith, middle and horizon. */
  readonly sky: readonly [Color, Color, Color]
  readonly sun: Color
  readonly far: Color
  readonly near: Color
  readonly ground: Color
  readonly shade: number
  readonly stars: boolean
  readonly snow: boolean
}

const moods: readonly Mood[] = [
  {
    words: /dusk|sunset|evening|autumn|fall|warm/,
    sky: [
      [62, 44, 110],
      [226, 96, 92],
      [255, 196, 120],
    ],
    sun: [255, 232, 176],
    far: [178, 96, 122],
    near: [58, 40, 82],
    ground: [88, 58, 44],
    shade: 0.12,
    stars: false,
    snow: false,
  },
  {
    words: /night|moon|star|dark|aurora/,
    sky: [
      [8, 12, 40],
      [24, 42, 92],
      [70, 98, 150],
    ],
    sun: [240, 244, 255],
    far: [44, 66, 118],
    near: [14, 24, 56],
    ground: [20, 38, 52],
    shade: 0.34,
    stars: true,
    snow: false,
  },
  {
    words: /snow|winter|ice|frost|white/,
    sky: [
      [126, 166, 206],
      [190, 212, 232],
      [246, 238, 232],
    ],
    sun: [255, 252, 240],
    far: [170, 190, 214],
    near: [86, 112, 140],
    ground: [226, 234, 244],
    shade: 0.04,
    stars: false,
    snow: true,
  },
  {
    words: /dawn|morning|mist|fog|pink|spring/,
    sky: [
      [88, 118, 190],
      [244, 176, 186],
      [255, 230, 190],
    ],
    sun: [255, 244, 214],
    far: [176, 160, 196],
    near: [66, 88, 116],
    ground: [74, 104, 78],
    shade: 0.06,
    stars: false,
    snow: false,
  },
  {
    words: /day|sun|summer|green|forest|meadow|blue/,
    sky: [
      [58, 130, 206],
      [132, 190, 232],
      [226, 240, 240],
    ],
    sun: [255, 250, 220],
    far: [128, 168, 190],
    near: [50, 102, 88],
    ground: [98, 146, 66],
    shade: 0,
    stars: false,
    snow: false,
  },
]

/** Numbers in [0, 1) that depend on a text alone (FNV-1a into mulberry32). */
export function numbersFrom(text: string): () => number {
  let state = 2166136261
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 16777619)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function paintPicture(scene: Scene): Pixels {
  const next = numbersFrom(`${scene.prompt}|${scene.seed}`)
  const canvas = createCanvas(scene.width, scene.height)
  const told = moods.find((mood) => mood.words.test(scene.prompt.toLowerCase()))
  const mood = told ?? (moods[Math.floor(next() * moods.length)] as Mood)
  paintSky(canvas, mood, next)
  for (let i = 0; i < 4; i++) paintRidge(canvas, mood, i, next)
  paintMeadow(canvas, mood, next)
  if (scene.fox > 0) {
    const middle = canvas.aspect * (0.46 + next() * 0.08) - scene.fox * 0.06
    paintFox(canvas, middle, 0.95, scene.fox, mood.sun, mood.shade)
  }
  if (mood.snow) for (let i = 0; i < 130; i++) paintDot(canvas, next, [255, 255, 255], 0.0035, 1, 0.8)
  return canvas
}

/** A skyline, worked out once per pixel column. */
function skyline({ width, height }: Canvas, top: (x: number) => number): (x: number) => number {
  const tops = Float64Array.from({ length: width }, (_, px) => top((px + 0.5) / height))
  return (x) => tops[Math.min(width - 1, Math.max(0, Math.floor(x * height)))] as number
}

function paintDot(canvas: Canvas, next: () => number, color: Color, r: number, depth: number, alpha: number): void {
  const [x, y, size] = [next() * canvas.aspect, next() * depth, r * (0.4 + next())]
  canvas.fill(circle(x, y, size), color, alpha * (0.3 + 0.7 * next()), size)
}

function paintSky(canvas: Canvas, mood: Mood, next: () => number): void {
  const { aspect } = canvas
  const [top, middle, low] = mood.sky
  canvas.fill({ box: [0, 0, aspect, 0.8], distance: () => -1 }, (_x, y) =>
    y < 0.32 ? mix(top, middle, y / 0.32) : mix(middle, low, (y - 0.32) / 0.34),
  )
  if (mood.stars) for (let i = 0; i < 170; i++) paintDot(canvas, next, [255, 250, 235], 0.0028, 0.6, 1)
  const [x, y] = [aspect * (0.15 + next() * 0.7), 0.16 + next() * 0.2]
  canvas.fill(circle(x, y, 0.3), mood.sun, 0.5, 0.6)
  canvas.fill(circle(x, y, 0.1), mood.sun, 0.6, 0.16)
  canvas.fill(circle(x, y, mood.stars ? 0.055 : 0.07), mood.sun)
  const light = mix(mood.sky[2], [255, 255, 255], mood.stars ? 0.1 : 0.6)
  for (let i = 0; i < 5; i++) {
    const [cx, cy] = [next() * aspect, 0.1 + next() * 0.3]
    for (let puff = 0; puff < 6; puff++) {
      const [px, py, rx] = [cx + (puff - 2.5) * 0.06 + next() * 0.03, cy - next() * 0.02, 0.05 + next() * 0.06]
      canvas.fill(ellipse(px, py, rx, 0.016), light, 0.3, 0.03)
    }
  }
}

/** Four mountain chains, the nearer the darker and the lower, each with its own haze; the last two carry a forest. */
function paintRidge(canvas: Canvas, mood: Mood, chain: number, next: () => number): void {
  const { aspect } = canvas
  const [a, b, c, d] = [next() * 9, next() * 9, next() * 9, next() * 9]
  const base = 0.47 + chain * 0.07
  const rough = chain < 2 ? 1 : 0.5
  const ridge = skyline(canvas, (x) => {
    const peaks = 0.07 * Math.abs(Math.sin(x * 3.1 + a)) + 0.04 * Math.abs(Math.sin(x * 7.3 + b))
    return base - rough * peaks - 0.012 * Math.sin(x * 19 + c) - 0.004 * Math.sin(x * 61 + d)
  })
  const color = mix(mood.far, mood.near, chain / 3)
  const haze = mix(color, mood.sky[2], 0.55)
  canvas.fill({ box: [0, base - 0.13, aspect, 0.82], distance: (x, y) => (ridge(x) - y) * 0.8 }, (x, y) =>
    mix(color, haze, (y - ridge(x)) * 4.5),
  )
  if (chain < 2) return
  for (let i = 0; i < 46; i++) {
    const x = next() * aspect
    const [foot, tall] = [ridge(x) + 0.012, (0.03 + next() * 0.035) * (chain - 1)]
    const tree = polygon([x, foot - tall, x + tall * 0.26, foot, x - tall * 0.26, foot])
    canvas.fill(tree, mix(color, mood.near, 0.6 + next() * 0.4))
  }
}

function paintMeadow(canvas: Canvas, mood: Mood, next: () => number): void {
  const { aspect } = canvas
  const bend = next() * 6
  const hill = skyline(canvas, (x) => 0.78 + 0.025 * Math.sin(x * 4 + bend))
  const dark = mix(mood.ground, mood.near, 0.55)
  canvas.fill({ box: [0, 0.75, aspect, 1], distance: (x, y) => hill(x) - y }, (x, y) =>
    mix(mix(mood.ground, mood.sun, 0.22), dark, (y - hill(x)) * 5),
  )
  const blade = mood.snow ? mix(mood.ground, mood.near, 0.25) : mix(mood.ground, dark, 0.3)
  for (let i = 0; i < 240; i++) {
    const x = next() * aspect
    const foot = hill(x) + 0.01 + next() * (1 - hill(x))
    const [tall, lean] = [0.012 + (foot - 0.76) * 0.16, (next() - 0.5) * 0.02]
    const leaf = polygon([x - 0.0022, foot, x + 0.0022, foot, x + lean, foot - tall])
    canvas.fill(leaf, mix(blade, mood.sun, next() * 0.35), 0.8)
  }
}
