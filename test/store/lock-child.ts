import { lockState } from '../../src/store/open.ts'

// Holds the lock of a state directory until it is killed.
const lock = lockState(process.argv[2] ?? '', process.pid)
process.stdout.write('locked\n')
setInterval(() => lock, 60_000)
