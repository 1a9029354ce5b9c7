import type { Json, JsonObject, TemplateSpec, Workflow } from './types.ts'

const common = ['prompt', 'negative', 'seed', 'steps', 'width', 'height'] as const
const usual: JsonObject = { prompt: 'a red fox', negative: '', seed: 7, steps: 20, width: 512, height: 512, batch: 1 }

/** The text-to-picture graph everybody knows, ending in the image `["8", 0]`. */
const painting = (model: string): Record<string, { class_type: string; inputs: JsonObject }> => ({
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: model } },
  '5': {
    class_type: 'EmptyLatentImage',
    inputs: { width: '{{width}}', height: '{{height}}', batch_size: '{{batch}}' },
  },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: '{{prompt}}', clip: ['4', 1] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: '{{negative}}', clip: ['4', 1] } },
  '3': {
    class_type: 'KSampler',
    inputs: {
      model: ['4', 0],
      negative: ['7', 0],
      positive: ['6', 0],
      latent_image: ['5', 0],
      seed: '{{seed}}',
      steps: '{{steps}}',
      cfg: 7,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
    },
  },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
})

const painted = (
  id: string,
  more: Workflow,
  defaults: JsonObject = {},
  model = 'foxDream_v2.safetensors',
): TemplateSpec => ({
  id,
  allowedInputs: [...new Set([...common, ...Object.keys(defaults)])],
  defaults: { ...usual, ...defaults },
  workflow: { ...painting(model), ...more } as unknown as JsonObject,
})

const save = (prefix: string, from: Json = ['8', 0]): Workflow => ({
  '9': { class_type: 'SaveImage', inputs: { images: from, filename_prefix: prefix } },
})

/** What the demo offers and the tests use. `broken`, `invalid` and `preview_only` show how jobs go wrong. */
export const defaultTemplates: readonly TemplateSpec[] = [
  painted('portrait', save('portrait')),
  painted('landscape', save('landscape'), { width: 768, height: 512 }, 'wideLandscape_v1.safetensors'),
  painted('many', save('many'), { batch: 6, width: 256, height: 256 }),
  painted('animation', {
    '9': { class_type: 'SaveAnimatedWEBP', inputs: { images: ['8', 0], filename_prefix: 'animation', fps: 8 } },
  }),
  painted('loop', {
    '9': { class_type: 'VHS_VideoCombine', inputs: { images: ['8', 0], frame_rate: 8, filename_prefix: 'loop' } },
  }),
  painted('video', { '9': { class_type: 'SaveVideo', inputs: { video: ['8', 0], filename_prefix: 'video/fox' } } }),
  painted('preview_only', { '9': { class_type: 'PreviewImage', inputs: { images: ['8', 0] } } }),
  painted(
    'slow',
    {
      '10': { class_type: 'SimulatorSlow', inputs: { image: ['8', 0], steps: '{{wait}}' } },
      ...save('slow', ['10', 0]),
    },
    { steps: 1, wait: 100 },
  ),
  painted(
    'broken',
    {
      '10': { class_type: 'SimulatorFail', inputs: { image: ['8', 0], message: '{{message}}' } },
      ...save('broken', ['10', 0]),
    },
    { steps: 2, message: 'out of paint' },
  ),
  painted(
    'big',
    {
      '9': { class_type: 'SimulatorBigFile', inputs: { images: ['8', 0], bytes: '{{bytes}}', filename_prefix: 'big' } },
    },
    { bytes: 12_000_000 },
  ),
  {
    id: 'img2img',
    allowedInputs: ['image', 'prompt', 'seed', 'steps'],
    defaults: { ...usual, image: 'example.png' },
    workflow: {
      ...painting('foxDream_v2.safetensors'),
      '5': { class_type: 'VAEEncode', inputs: { pixels: ['10', 0], vae: ['4', 2] } },
      '10': { class_type: 'LoadImage', inputs: { image: '{{image}}' } },
      ...save('img2img'),
    } as unknown as JsonObject,
  },
  {
    id: 'clip',
    allowedInputs: ['prompt', 'seed'],
    defaults: { prompt: 'a red fox', seed: 7 },
    workflow: {
      '1': {
        class_type: 'SimulatorMelody',
        inputs: { text: '{{prompt}}', seed: '{{seed}}', filename_prefix: 'audio/melody' },
      },
    },
  },
  {
    id: 'story',
    allowedInputs: ['prompt', 'seed'],
    defaults: { prompt: 'a red fox', seed: 7 },
    workflow: { '1': { class_type: 'SimulatorStory', inputs: { text: '{{prompt}}', seed: '{{seed}}' } } },
  },
  {
    id: 'note',
    allowedInputs: ['prompt'],
    defaults: { prompt: 'a red fox' },
    workflow: { '1': { class_type: 'SimulatorNote', inputs: { text: '{{prompt}}' } } },
  },
  /** Wrapped in a layer too many, as the templates shipped with pack 1.0.7 are: ComfyUI refuses it. */
  {
    id: 'invalid',
    allowedInputs: ['prompt'],
    defaults: {},
    workflow: { key_idx: { ...painting('foxDream_v2.safetensors') } } as unknown as JsonObject,
  },
  /** A file beside the manifest that the manifest does not mention. */
  {
    id: 'unlisted',
    workflow: { '1': { class_type: 'SimulatorStory', inputs: { text: 'an unlisted template', seed: 1 } } },
  },
]

/** Replaces strings that are exactly `{{key}}`, anywhere, by the value as it was given. */
export function renderTemplate(spec: TemplateSpec, inputs: JsonObject): JsonObject {
  const values: JsonObject = { ...spec.defaults, ...inputs }
  const fill = (value: Json): Json => {
    if (typeof value === 'string') {
      const key = /^\{\{(.+)\}\}$/.exec(value)?.[1]?.trim()
      return key !== undefined && Object.hasOwn(values, key) ? (values[key] as Json) : value
    }
    if (Array.isArray(value)) return value.map(fill)
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]))
    }
    return value
  }
  return fill(spec.workflow) as JsonObject
}
