import type { Pixels } from './art/canvas.ts'
import { clip } from './art/clip.ts'
import { encodeGif } from './art/gif.ts'
import { paintPicture, type Scene } from './art/picture.ts'
import { composeWav } from './art/wav.ts'
import { encodeAnimation } from './art/webp.ts'
import { type Files, once, picture } from './files.ts'
import { type Flow, float, image, int, type Made, type NodeKind, words } from './node-kind.ts'
import { tell } from './story.ts'

/** Each of a batch is a picture of its own. */
const nth = (flow: Flow, i: number): Scene => ({ ...flow, seed: i === 0 ? flow.seed : `${flow.seed}+${i}` })

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

/** Nodes a workflow ends with: what they show is what the history lists. */
export const savers: Readonly<Record<string, NodeKind>> = {
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
}
