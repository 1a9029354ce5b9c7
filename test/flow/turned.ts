/** What a preloaded file writes to standard error once its SIGUSR2 is handled: by then the signal is only on its way. */
export const turned = 'turned by SIGUSR2\n'
