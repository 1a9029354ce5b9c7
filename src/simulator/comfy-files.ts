import { type Folder, reencode } from './files.ts'
import { type Answer, type Ask, empty, json, type Route } from './http.ts'
import type { World } from './world.ts'

const folders: readonly string[] = ['output', 'temp', 'input'] satisfies Folder[]
const isFolder = (value: string): value is Folder => folders.includes(value)

const mimes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  mp4: 'video/mp4',
  wav: 'audio/x-wav',
  txt: 'text/plain',
}

export const fileRoutes = (world: World): readonly Route[] => [
  { method: 'GET', path: '/view', handle: (ask) => view(world, ask) },
  { method: 'POST', path: '/upload/image', handle: (ask) => upload(world, ask) },
]

const leaves = (subfolder: string): boolean => subfolder.split('/').includes('..') || subfolder.startsWith('/')

function view(world: World, { query }: Ask): Answer {
  const filename = query.get('filename')
  const subfolder = query.get('subfolder') ?? ''
  const type = query.get('type') ?? 'output'
  if (filename === null) return empty(404)
  if (filename.startsWith('/') || filename.includes('..') || !isFolder(type)) return empty(400)
  if (leaves(subfolder)) return empty(403)
  const stored = world.files.get({ filename, subfolder, type })
  if (stored === null) return empty(404)

  const disposition = `filename="${filename}"`
  const wish = query.get('preview')
  if (wish !== null && stored.pixels !== undefined) {
    const [name, quality = '90'] = wish.split(';')
    const format = name === 'jpeg' ? 'jpeg' : 'webp'
    const body = reencode(stored.pixels(), format, /^\d+$/.test(quality) ? Math.min(100, Number(quality)) : 90)
    return { status: 200, headers: { 'Content-Type': `image/${format}`, 'Content-Disposition': disposition }, body }
  }
  const mime = mimes[filename.split('.').pop()?.toLowerCase() ?? ''] ?? 'application/octet-stream'
  return { status: 200, headers: { 'Content-Type': mime, 'Content-Disposition': disposition }, body: stored.bytes() }
}

async function upload(world: World, ask: Ask): Promise<Answer> {
  const contentType = ask.header('content-type') ?? ''
  if (!contentType.startsWith('multipart/form-data')) return empty(400)
  const form = await new Response(new Uint8Array(ask.body), { headers: { 'Content-Type': contentType } }).formData()
  const field = (name: string): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value : ''
  }
  const file = form.get('image')
  if (!(file instanceof Blob) || file.name === '') return empty(400)
  const [type, subfolder] = [field('type') || 'input', field('subfolder')]
  if (leaves(subfolder) || !isFolder(type)) return empty(400)
  const name = file.name.split('/').pop() as string
  const overwrite = ['true', '1'].includes(field('overwrite'))
  const bytes = Buffer.from(await file.arrayBuffer())
  return json(200, world.files.upload({ name, subfolder, type }, bytes, overwrite))
}
