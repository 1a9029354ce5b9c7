/** What pack 1.0.7 says about itself: fixed lists, none of which this simulator acts on. */

const on = (names: string): Record<string, boolean> => Object.fromEntries(names.split(' ').map((name) => [name, true]))

export const features = on(
  'webhook_submit logs_tail doctor job_monitor callback_delivery presets approvals assist_planner assist_refiner ' +
    'assist_streaming assist_automation_compose scheduler triggers packs explorer preflight checkpoints ' +
    'rewrite_recipes model_manager settings_contract provider_governance webhook_mapping job_events ' +
    'operator_doctor png_info',
)

export const actions = {
  doctor: { enabled: true, mutating: false },
  doctor_fix: { enabled: true, mutating: true },
  inspect: { enabled: true, mutating: false },
  queue: { enabled: true, mutating: false },
  settings: { enabled: true, mutating: false },
  install_node: { enabled: false, mutating: true },
  update_pack: { enabled: false, mutating: true },
}

const provider = (id: string, label: string, requires_key: boolean) => ({ id, label, requires_key })

export const providers = [
  provider('openai', 'OpenAI', true),
  provider('anthropic', 'Anthropic', true),
  provider('openrouter', 'OpenRouter', true),
  provider('gemini', 'Google Gemini', true),
  provider('groq', 'Groq', true),
  provider('deepseek', 'DeepSeek', true),
  provider('xai', 'xAI', true),
  provider('mistral', 'Mistral', true),
  provider('ollama', 'Ollama (local)', false),
  provider('lmstudio', 'LM Studio (local)', false),
  provider('custom', 'Custom (OpenAI compatible)', false),
]

const setting = (type: string, fallback: unknown, description: string) => ({
  type,
  default: fallback,
  apply_mode: 'immediate',
  category: 'llm',
  description,
})

export const settingsSchema = {
  provider: setting('string', 'openai', 'LLM provider ID'),
  model: setting('string', 'gpt-4o-mini', 'LLM model ID'),
  base_url: setting('string', '', 'LLM base URL'),
  timeout_sec: setting('int', 120, 'Request timeout'),
  max_retries: setting('int', 3, 'Retries per request'),
  fallback_models: setting('list', [], 'Models to fall back to'),
  fallback_providers: setting('list', [], 'Providers to fall back to'),
  max_failover_candidates: setting('int', 3, 'Failover candidates'),
  allow_private_network: setting('bool', false, 'Allow private network base URLs'),
}
