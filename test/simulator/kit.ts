import { openSimulator, type Settings, type Simulator, type TemplateSpec } from '../../src/simulator/index.ts'

export const token = 'test-admin-token'

export interface Got {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  /** Parsed where it was JSON, else the text; null when empty. */
  readonly body: unknown
}

/** What lies at a dotted path inside a value; undefined where there is nothing. */
export const pick = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null | undefined)?.[name], value)

export interface Stage extends AsyncDisposable {
  readonly sim: Simulator
  readonly call: (method: string, path: string, json?: unknown, headers?: Record<string, string>) => Promise<Got>
  /** Fires and insists on 200; the prompt id. */
  readonly fire: (template: string, inputs?: object, more?: object) => Promise<string>
  /** Fires and waits until the queue is empty. */
  readonly run: (template: string, inputs?: object, more?: object) => Promise<string>
  /** Queues a workflow as ComfyUI's own page does. */
  readonly queue: (workflow: object, more?: object) => Promise<string>
  readonly close: () => Promise<void>
}

export async function openStage(options: Partial<Settings> = {}): Promise<Stage> {
  const sim = await openSimulator({ adminToken: token, stepMs: 0, submitMs: 0, ...options })
  const call: Stage['call'] = async (method, path, json, headers = { 'X-OpenClaw-Admin-Token': token }) => {
    const body = json === undefined ? {} : { body: JSON.stringify(json) }
    const type = json === undefined ? {} : { 'Content-Type': 'application/json' }
    return got(await fetch(`${sim.url}${path}`, { method, headers: { ...type, ...headers }, ...body }))
  }
  const fire: Stage['fire'] = async (template_id, inputs = {}, more = {}) => {
    const { status, body } = await call('POST', '/openclaw/triggers/fire', { template_id, inputs, ...more })
    if (status !== 200) throw new Error(`fire answered ${status}: ${JSON.stringify(body)}`)
    return String(pick(body, 'prompt_id'))
  }
  return {
    sim,
    call,
    fire,
    run: async (template, inputs, more) => {
      const id = await fire(template, inputs, more)
      await sim.control.idle()
      return id
    },
    queue: async (prompt, more = {}) =>
      String(pick((await call('POST', '/prompt', { prompt, ...more })).body, 'prompt_id')),
    close: sim.close,
    [Symbol.asyncDispose]: sim.close,
  }
}

export async function got(response: Response): Promise<Got> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  const text = bytes.length === 0 ? null : bytes.toString('utf8')
  return { status: response.status, headers: response.headers, bytes, body: isJson && text ? JSON.parse(text) : text }
}

/** One message of a socket: text ones by type, binary ones by event number. */
export interface Heard {
  readonly type: string
  readonly data: unknown
}

export interface Ear extends AsyncDisposable {
  readonly heard: Heard[]
  readonly types: () => string[]
  /** Resolves with the first message (also an old one) that fits. */
  readonly hear: (fits: (message: Heard) => boolean) => Promise<Heard>
  readonly send: (message: object) => void
  readonly closed: Promise<number>
  readonly close: () => Promise<number>
}

/** Opens a socket; resolves after its first message, rejects when it is refused. */
export async function listen(sim: Simulator, clientId = '', headers: Record<string, string> = {}): Promise<Ear> {
  const socket = new WebSocket(`${sim.url.replace('http', 'ws')}/ws?clientId=${clientId}`, { headers })
  socket.binaryType = 'arraybuffer'
  const heard: Heard[] = []
  let waiting: (() => void)[] = []
  socket.onmessage = ({ data }) => {
    heard.push(typeof data === 'string' ? JSON.parse(data) : binary(Buffer.from(data as ArrayBuffer)))
    for (const wake of waiting.splice(0)) wake()
  }
  const closed = new Promise<number>((resolve) => {
    socket.onclose = (event) => resolve(event.code)
    socket.onerror = () => {}
  })
  const hear: Ear['hear'] = async (fits) => {
    for (;;) {
      const found = heard.find(fits)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        waiting = [...waiting, resolve]
      })
    }
  }
  const refused = closed.then(() => Promise.reject(new Error('refused')))
  await Promise.race([hear(() => true), refused])
  refused.catch(() => {})
  const close = async () => {
    socket.close()
    return closed
  }
  return {
    heard,
    types: () => heard.map((message) => message.type),
    hear,
    send: (message) => socket.send(JSON.stringify(message)),
    closed,
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}

function binary(bytes: Buffer): Heard {
  const event = bytes.readUInt32BE(0)
  if (event !== 4) return { type: `binary ${event}`, data: { format: bytes.readUInt32BE(4), image: bytes.subarray(8) } }
  const end = 8 + bytes.readUInt32BE(4)
  const metadata = JSON.parse(bytes.subarray(8, end).toString('utf8'))
  return { type: 'binary 4', data: { metadata, image: bytes.subarray(end) } }
}

export const image = { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 } }
export const save = (from: string, prefix = 'bench') => ({
  class_type: 'SaveImage',
  inputs: { images: [from, 0], filename_prefix: prefix },
})
export const slowly = (steps: number) => ({ class_type: 'SimulatorSlow', inputs: { image: ['1', 0], steps } })
export const failing = {
  class_type: 'SimulatorFail',
  inputs: { image: ['1', 0], message: 'deliberate failure' },
}

const defaults = {
  width: 64,
  height: 64,
  batch: 1,
  color: 255,
  prefix: 'bench',
  seconds: 3,
  steps: 6,
  message: 'bench failure',
  positive_prompt: 'a lighthouse',
  image: 'example.png',
}
const allowedInputs = ['positive_prompt', 'width', 'height', 'color', 'seed']
const painted = {
  class_type: 'EmptyImage',
  inputs: { width: '{{width}}', height: '{{height}}', batch_size: '{{batch}}', color: '{{color}}' },
}

/** The templates of the recorded backend, by their recorded names. */
export const benchTemplates: readonly TemplateSpec[] = [
  { id: 'bench_anim', allowedInputs, defaults, workflow: { '1': painted, '2': save('1') } },
  {
    id: 'bench_fail',
    allowedInputs,
    defaults,
    workflow: {
      '1': painted,
      '3': { class_type: 'SimulatorFail', inputs: { image: ['1', 0], message: '{{message}}' } },
      '2': save('3'),
    },
  },
  {
    id: 'bench_i2i',
    allowedInputs: ['image'],
    defaults,
    workflow: { '1': { class_type: 'LoadImage', inputs: { image: '{{image}}' } }, '2': save('1') },
  },
  { id: 'bench_image', allowedInputs, defaults, workflow: { '1': painted, '2': save('1') } },
  { id: 'bench_media', allowedInputs, defaults, workflow: { '1': painted, '2': save('1') } },
  { id: 'bench_preview', workflow: { '1': image, '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } } },
  {
    id: 'bench_slow',
    allowedInputs,
    defaults,
    workflow: {
      '1': painted,
      '3': { class_type: 'SimulatorSlow', inputs: { image: ['1', 0], steps: '{{steps}}' } },
      '2': save('3'),
    },
  },
  {
    id: 'portrait_v1',
    allowedInputs: ['positive_prompt', 'seed'],
    defaults: { seed: 0 },
    workflow: { key_idx: { '1': image } },
  },
  {
    id: 'sdxl_basic',
    allowedInputs: ['positive_prompt', 'negative_prompt', 'seed'],
    defaults: { seed: 1234 },
    workflow: { key_idx: { '1': image } },
  },
]
