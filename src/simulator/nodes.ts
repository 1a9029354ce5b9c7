import { type Files, fingerprint } from './files.ts'
import { float, image, int, type NodeKind, words } from './node-kind.ts'
import { savers } from './savers.ts'
import type { JsonObject } from './types.ts'

const sizeOf = (value: unknown): number => Math.min(2048, Math.max(16, Number(value)))

const contentOf = (inputs: JsonObject, files: Files): string => {
  const stored = files.input(String(inputs.image))
  return stored === null ? '' : fingerprint(stored.bytes())
}

/** Every node this ComfyUI has. `Simulator…` are its own; the others carry real names and take real inputs. */
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
      width: ['INT', { default: 512, min: 1, max: 16384, step: 1 }],
      height: ['INT', { default: 512, min: 1, max: 16384, step: 1 }],
      batch_size: int(1, 1, 4096),
      color: ['INT', { default: 0, min: 0, max: 16777215, step: 1, display: 'color' }],
    },
    returns: ['IMAGE'],
    act: (_flow, inputs) => {
      const [width, height] = [sizeOf(inputs.width), sizeOf(inputs.height)]
      return { flow: { width, height, count: Math.min(16, Number(inputs.batch_size)), seed: String(inputs.color) } }
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
    version: contentOf,
    act: (_flow, inputs, files) => ({ flow: { source: `/${contentOf(inputs, files)}` } }),
  },
  SimulatorSlow: {
    title: 'Take your time',
    category: 'simulator',
    inputs: { image, steps: int(100, 1, 1_000_000) },
    returns: ['IMAGE'],
    stepsFrom: 'steps',
    restless: true,
  },
  SimulatorFail: {
    title: 'Break down',
    category: 'simulator',
    inputs: { image, message: words('out of paint') },
    returns: ['IMAGE'],
    act: (_flow, inputs) => ({ failed: { type: 'RuntimeError', message: `${inputs.message}\n` } }),
  },
  ...savers,
}
