import { refSources, runtimeOnly } from '../../../policy/secret-refs.ts'

/** What the backend answers about its own connector, answered for this one: how it is packaged and what it leans on.
 *  The same for everybody; nothing of it depends on what is installed. */
export const extractionContract = (portable: readonly string[]) => ({
  version: 1,
  decision: {
    id: 'standalone_daemon',
    status: 'in_effect',
    go_no_go: 'split_done',
    summary: 'This connector is a program of its own. It meets the backend over HTTP and WebSocket only.',
    future_candidate: '',
  },
  candidate_packaging_options: [
    {
      id: 'standalone_daemon',
      status: 'in_effect',
      summary: 'One process with its own store, beside the backend or apart.',
    },
    {
      id: 'stay_in_repo_attached_subsystem',
      status: 'not_taken',
      summary: 'The way of the connector inside the node pack, which shares its imports and state folder.',
    },
  ],
  minimum_stable_seam_families: [
    {
      id: 'installation_registry_and_token_refs',
      summary:
        'Installations, their tokens and their record lie in the store of this daemon; the backend has none of them.',
      entrypoints: ['src/installs', 'src/ops/api', 'src/contract/installs.ts'],
    },
    {
      id: 'interactive_callback_security_contract',
      summary:
        'A button carries an opaque id of a stored action. Its presser is proven by the platform, and policy comes first.',
      entrypoints: ['src/contract/verified.ts', 'src/commands/perform.ts', 'src/store/actions.ts'],
    },
    {
      id: 'delivery_and_result_bridge',
      summary: 'Jobs are submitted as triggers and followed over the queue, the history and the WebSocket.',
      entrypoints: ['src/backend', 'src/jobs', 'src/delivery'],
    },
    {
      id: 'config_auth_and_tenant_boundary',
      summary: 'The environment is the only configuration; the admin token and the tenant header go with each call.',
      entrypoints: ['src/config', 'src/backend/http.ts', 'policy'],
    },
  ],
  current_blockers: [
    {
      id: 'triggers_ignore_tenants',
      summary:
        'The backend files triggers and approvals under its default tenant, so this daemon keeps tenants apart itself.',
    },
  ],
  service_env_secret_ref_boundary: {
    status: 'supported_with_fail_closed_validation',
    supported_sources: [...refSources],
    portable_connector_secret_env_vars: portable.toSorted(),
    non_persistable_auth_env_vars: [...runtimeOnly].sort(),
    diagnostics: { raw_values_exposed: false, missing_env_fails_closed: true, legacy_marker_strings_rejected: true },
  },
})
