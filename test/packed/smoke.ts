/** Packs the package, installs the tarball into an empty folder, and uses it there as a person would. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Check {
  readonly name: string
  readonly problem: string | null
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'connector-packed-'))
const say = (line: string): boolean => process.stdout.write(`${line}\n`)
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }

function npm(args: readonly string[], cwd: string): string {
  const run = spawnSync('npm', args, { cwd, encoding: 'utf8', timeout: 240_000 })
  if (run.status !== 0)
    throw new Error(`npm ${args[0]} failed (${run.status ?? run.error}):\n${run.stdout}${run.stderr}`)
  return run.stdout
}

/** Runs the installed command under the `node` of that folder, with an environment of its own. */
function connector(nodeFolder: string, args: readonly string[], input = ''): Promise<Outcome> {
  const env = {
    PATH: [nodeFolder, '/usr/bin', '/bin'].join(delimiter),
    HOME: join(folder, 'home'),
    OPENCLAW_CONNECTOR_STATE_DIR: join(folder, 'state'),
  }
  return new Promise((resolve, reject) => {
    const child = spawn(join(folder, 'node_modules', '.bin', 'openclaw-connector'), args, {
      cwd: folder,
      env,
      timeout: 60_000,
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
    // It may end without reading its input.
    child.stdin.on('error', () => {}).end(input)
  })
}

/** The first `node` on the PATH that is not the project's own. */
function systemNode(): { readonly folder: string; readonly version: string } | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '' && !dir.includes('node_modules'))
  for (const dir of folders) {
    if (!existsSync(join(dir, 'node'))) continue
    const run = spawnSync(join(dir, 'node'), ['-p', 'process.versions.node'], { encoding: 'utf8', timeout: 10_000 })
    if (run.status === 0) return { folder: dir, version: run.stdout.trim() }
  }
  return null
}

const expectAll = (name: string, got: Outcome, wanted: Readonly<Record<string, boolean>>): Check => {
  const missed = Object.entries(wanted).flatMap(([what, holds]) => (holds ? [] : [what]))
  if (missed.length === 0) return { name, problem: null }
  return {
    name,
    problem: `${missed.join('; ')} (exit ${got.code})\n${got.out.slice(0, 2000)}${got.err.slice(0, 2000)}`,
  }
}

function contents(files: readonly string[]): Check {
  const needed = [
    'dist/src/bin.js',
    'dist/src/main.js',
    'dist/adapters/index.js',
    'README.md',
    'LICENSE',
    '.env.example',
  ]
  const missing = needed.filter((path) => !files.includes(path))
  const odd = files.filter((path) => /(^|\/)(test|node_modules|\.env)(\/|$)|\.ts$/.test(path))
  const problem = [...missing.map((path) => `missing: ${path}`), ...odd.map((path) => `unwanted: ${path}`)].join('; ')
  return { name: 'the tarball holds compiled code and documents, nothing else', problem: problem || null }
}

async function underNode24(): Promise<readonly Check[]> {
  const node = dirname(process.execPath)
  const shown = await connector(node, ['--version'])
  const help = await connector(node, ['--help'])
  const check = await connector(node, ['check'])
  const demo = await connector(node, ['demo'], '/run portrait prompt="a red fox"\n')
  const checkText = check.out + check.err
  return [
    expectAll('--version prints the version', shown, {
      'exit code 0': shown.code === 0,
      'the version': shown.out.trim().split(' ').includes(version),
    }),
    expectAll('--help names the commands', help, {
      'exit code 0': help.code === 0,
      'every command': ['check', 'doctor', 'demo'].every((word) => help.out.includes(word)),
    }),
    expectAll('check without a platform stops with the two quickest ways to one', check, {
      'exit code 78': check.code === 78,
      'the demo': checkText.includes('demo'),
      'the token': checkText.includes('OPENCLAW_CONNECTOR_TELEGRAM_TOKEN'),
    }),
    expectAll('demo reads a command from a pipe, makes a picture and ends', demo, {
      'exit code 0': demo.code === 0,
      'a saved picture': /\.png\b/.test(demo.out),
    }),
  ]
}

async function underOlderNode(): Promise<readonly Check[]> {
  const older = systemNode()
  if (older === null || Number(older.version.split('.')[0]) >= 24) {
    say(
      `skipped: an older Node is refused (${older === null ? 'no other node' : `only Node ${older.version}`} on the PATH)`,
    )
    return []
  }
  const got = await connector(older.folder, ['--version'])
  return [
    expectAll(`Node ${older.version} is refused in one sentence that helps`, got, {
      'exit code 1': got.code === 1,
      'one line': got.err.trim().split('\n').length === 1 && got.out === '',
      'the command': got.err.includes('npx -p node@24 -p openclaw-connector openclaw-connector'),
    }),
  ]
}

async function smoke(): Promise<readonly Check[]> {
  mkdirSync(join(folder, 'home'))
  // What an earlier build left behind must not be packed.
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const packed = npm(['pack', '--json', '--pack-destination', folder], root)
  const [tarball] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as {
    readonly filename: string
    readonly files: readonly { readonly path: string }[]
  }[]
  if (tarball === undefined) throw new Error(`npm pack said: ${packed}`)
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball.filename}`], folder)
  return [contents(tarball.files.map(({ path }) => path)), ...(await underNode24()), ...(await underOlderNode())]
}

try {
  const checks = await smoke()
  for (const { name, problem } of checks) say(problem === null ? `ok: ${name}` : `FAILED: ${name}: ${problem}`)
  const failed = checks.filter(({ problem }) => problem !== null).length
  say(`${checks.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
