import type { Pixels } from './art/canvas.ts'
import { clip } from './art/clip.ts'
import { encodeGif } from './art/gif.ts'
import { paintPicture, type Scene } from './art/picture.ts'
import { composeWav } from './art/wav.ts'
import { encodeAnimation } from './art/webp.ts'
import { type Files, fingerprint, once, picture } from './files.ts'
import { tell } from './story.ts'
import type { JsonObject } from './types.ts'

/** As ComfyUI writes it in `/object_info`: `['INT', { default, min, max }]`, `['IMAGE']`, `[['a', 'b'], {}]`. */
export type InputSpec = readonly [string | readonly string[], JsonObject?]

/** What flows along the links: everything that will decide how the picture looks. */
export interface Flow extends Scene {
  readonly count: number
  /** Which picture it was made from, if any. */
  readonly source: string
}

export interface Made {
  readonly flow?: Partial<Flow>
  /** What an output node shows: the entry under `outputs` of the history. */
  readonly ui?: JsonObject
  readonly failed?: { readonly type: string; readonly message: string }
}

export interface NodeKind {
  readonly title: string
  readonly category: string
  readonly inputs: Readonly<Record<string, InputSpec>>
  readonly returns: readonly string[]
  readonly output?: boolean
  /** Input whose value is the number of sampling steps. */
  readonly stepsFrom?: string
  /** Runs anew every time, cached or not. */
  readonly restless?: boolean
  readonly act?: (flow: Flow, inputs: JsonObject, files: Files) => Made
}

const int = (value: number, min: number, max: number): InputSpec => ['INT', { default: value, min, max }]
const float = (value: number, min: number, max: number): InputSpec => [
  'FLOAT',
  { default: value, min, max, step: 0.01 },
]
const words = (value: string, multiline = false): InputSpec => ['STRING', { default: value, multiline }]
const image: InputSpec = ['IMAGE']

/** Each of a batch is a picture of its own. */
const nth = (flow: Flow, i: number): Scene => ({ ...flow, seed: i === 0 ? flow.seed : `${flow.seed}+${i}` })

const sizeOf = (value: unknown): number => Math.min(2048, Math.max(16, Number(value)))

function savePictures(flow: Flow, files: Files, prefix: string, type: 'output' | 'temp', padTo = 0): Made {
  const refs = Array.from({ length: flow.count }, (_, i) =>
    files.save(prefix, 'png', type, picture(nth(flow, i), padTo)),
  )
  return { ui: { images: refs.map((ref) => ({ ...ref })) } }
}

/** A few small frames in which the fox breathes. */
const frames = (flow: Flow): readonly Pixels[] =>
  Array.from({ length: 8 }, (_, i) => {
    const fox = Math.max(0.3, flow.fox) * (1 + 0.05 * Math.sin((i / 8) * 2 * Math.PI))
    return paintPicture({ ...flow, width: 160, height: 160, fox })
  })

export const nodes: Readonly<Record<string, NodeKind>> = {
  CheckpointLoaderSimple: {
    title: 'Load Checkpoint',
    category: 'loaders',
    inputs: { ckpt_name: [['foxDream_v2.safetensors', 'wideLandscape_v1.safetensors'], {}] },
    returns: ['MODEL', 'CLIP', 'VAE'],
    act: (_flow, inputs) => ({ flow: { fox: inputs.ckpt_name === 'wideLandscape_v1.safetensors' ? 0.2 : 0.62 } }),
  },
  CLIPTextEncode: {
    title: 'CLIP Text Encode (Prompt)',
    category: 'conditioning',
    inputs: { text: words('', true), clip: ['CLIP'] },
    returns: ['CONDITIONING'],
    act: (_flow, inputs) => ({ flow: { prompt: String(inputs.text) } }),
  },
  EmptyLatentImage: {
    title: 'Empty Latent Image',
    category: 'latent',
    inputs: { width: int(512, 16, 16384), height: int(512, 16, 16384), batch_size: int(1, 1, 16) },
    returns: ['LATENT'],
    act: (_flow, inputs) => ({
      flow: { width: sizeOf(inputs.width), height: sizeOf(inputs.height), count: Number(inputs.batch_size) },
    }),
  },
  EmptyImage: {
    title: 'Empty Image',
    category: 'image',
    inputs: {
      width: int(512, 1, 16384),
      height: int(512, 1, 16384),
      batch_size: int(1, 1, 16),
      color: int(0, 0, 16777215),
    },
    returns: ['IMAGE'],
    act: (_flow, inputs) => {
      const [width, height] = [sizeOf(inputs.width), sizeOf(inputs.height)]
      return { flow: { width, height, count: Number(inputs.batch_size), seed: String(inputs.color) } }
    },
  },
  KSampler: {
    title: 'KSampler',
    category: 'sampling',
    inputs: {
      model: ['MODEL'],
      seed: int(0, 0, 2 ** 64),
      steps: int(20, 1, 10000),
      cfg: float(8, 0, 100),
      sampler_name: [['euler', 'dpmpp_2m'], {}],
      scheduler: [['normal', 'karras'], {}],
      negative: ['CONDITIONING'],
      positive: ['CONDITIONING'],
      latent_image: ['LATENT'],
      denoise: float(1, 0, 1),
    },
    returns: ['LATENT'],
    stepsFrom: 'steps',
    act: (flow, inputs) => ({ flow: { seed: `${inputs.seed}${flow.source}` } }),
  },
  VAEDecode: {
    title: 'VAE Decode',
    category: 'latent',
    inputs: { samples: ['LATENT'], vae: ['VAE'] },
    returns: ['IMAGE'],
  },
  VAEEncode: { title: 'VAE Encode', category: 'latent', inputs: { pixels: image, vae: ['VAE'] }, returns: ['LATENT'] },
  LoadImage: {
    title: 'Load Image',
    category: 'image',
    inputs: { image: words('example.png') },
    returns: ['IMAGE', 'MASK'],
    act: (_flow, inputs, files) => {
      const stored = files.input(String(inputs.image))
      return { flow: { source: stored === null ? '' : `/${fingerprint(stored.bytes())}` } }
    },
  },
  SaveImage: {
    title: 'Save Image',
    category: 'image',
    inputs: { images: image, filename_prefix: words('ComfyUI') },
    returns: ['IMAGE'],
    output: true,
    act: (flow, inputs, files) => savePictures(flow, files, String(inputs.filename_prefix), 'output'),
  },
  PreviewImage: {
    title: 'Preview Image',
    category: 'image',
    inputs: { images: image },
    returns: [],
    output: true,
    act: (flow, _inputs, files) => savePictures(flow, files, 'ComfyUI_temp_simul', 'temp'),
  },
  SaveAnimatedWEBP: {
    title: 'SaveAnimatedWEBP',
    category: 'image/animation',
    inputs: { images: image, filename_prefix: words('ComfyUI'), fps: float(6, 0.01, 1000) },
    returns: [],
    output: true,
    act: (flow, inputs, files) => {
      const bytes = once(() => encodeAnimation(frames(flow), Math.round(1000 / Number(inputs.fps))))
      return {
        ui: {
          images: [{ ...files.save(String(inputs.filename_prefix), 'webp', 'output', { bytes }) }],
          animated: [true],
        },
      }
    },
  },
  SaveVideo: {
    title: 'Save Video',
    category: 'image/video',
    inputs: { video: image, filename_prefix: words('video/ComfyUI') },
    returns: [],
    output: true,
    act: (_flow, inputs, files) => ({
      ui: {
        images: [{ ...files.save(String(inputs.filename_prefix), 'mp4', 'output', { bytes: clip }) }],
        animated: [true],
      },
    }),
  },
  VHS_VideoCombine: {
    title: 'Video Combine',
    category: 'Video Helper Suite',
    inputs: { images: image, frame_rate: float(8, 1, 100), filename_prefix: words('AnimateDiff') },
    returns: [],
    output: true,
    act: (flow, inputs, files) => {
      const rate = Number(inputs.frame_rate)
      const bytes = once(() => encodeGif(frames(flow), Math.round(1000 / rate)))
      const ref = files.save(String(inputs.filename_prefix), 'gif', 'output', { bytes })
      return { ui: { gifs: [{ ...ref, format: 'image/gif', frame_rate: rate }] } }
    },
  },
  SimulatorMelody: {
    title: 'Melody',
    category: 'simulator',
    inputs: { text: words(''), seed: int(0, 0, 2 ** 64), filename_prefix: words('audio/melody') },
    returns: [],
    output: true,
    act: (_flow, inputs, files) => {
      const bytes = once(() => composeWav(`${inputs.text}|${inputs.seed}`))
      return { ui: { audio: [{ ...files.save(String(inputs.filename_prefix), 'wav', 'output', { bytes }) }] } }
    },
  },
  SimulatorStory: {
    title: 'Story',
    category: 'simulator',
    inputs: { text: words('', true), seed: int(0, 0, 2 ** 64) },
    returns: [],
    output: true,
    act: (_flow, inputs) => ({ ui: { text: [tell(String(inputs.text), String(inputs.seed))] } }),
  },
  SimulatorNote: {
    title: 'Note as a file',
    category: 'simulator',
    inputs: { text: words('', true) },
    returns: [],
    output: true,
    act: (_flow, inputs, files) => {
      const bytes = () => Buffer.from(`${inputs.text}\n`)
      return { ui: { text: [String(inputs.text)], files: [{ ...files.save('note', 'txt', 'output', { bytes }) }] } }
    },
  },
  SimulatorBigFile: {
    title: 'Picture of a given size',
    category: 'simulator',
    inputs: { images: image, bytes: int(12_000_000, 1, 200_000_000), filename_prefix: words('big') },
    returns: [],
    output: true,
    act: (flow, inputs, files) =>
      savePictures(flow, files, String(inputs.filename_prefix), 'output', Number(inputs.bytes)),
  },
  SimulatorSlow: {
    title: 'Take your time',
    category: 'simulator',
    inputs: { images: image, steps: int(100, 1, 1_000_000) },
    returns: ['IMAGE'],
    stepsFrom: 'steps',
    restless: true,
  },
  SimulatorFail: {
    title: 'Break down',
    category: 'simulator',
    inputs: { images: image, message: words('out of paint') },
    returns: ['IMAGE'],
    act: (_flow, inputs) => ({ failed: { type: 'RuntimeError', message: `${inputs.message}\n` } }),
  },
}
