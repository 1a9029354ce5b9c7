import { answers, schemas } from './openapi-parts.ts'

type Answers = Readonly<Record<number, object>>

const query = (name: string, about: string, schema: object = { type: 'string' }) => ({
  name,
  in: 'query',
  required: false,
  description: about,
  schema,
})
const id = { name: 'installation_id', in: 'path', required: true, schema: { type: 'string' } }

const operation = (operationId: string, summary: string, responses: Answers, parameters: readonly object[] = []) => ({
  operationId,
  summary,
  parameters,
  responses: { ...responses, ...answers.always },
})

const installations = '/openclaw/connector/installations'

const paths = {
  [installations]: {
    get: operation('listInstallations', 'Installations of the tenant, with counts of all of them.', answers.list, [
      query('platform', 'Only of this platform.'),
      query('workspace_id', 'Only of this workspace.'),
      query('status', 'Only in this state.'),
    ]),
  },
  [`${installations}/resolve`]: {
    get: operation(
      'resolveInstallation',
      'Which installation is used for a workspace, or the rule why none is.',
      answers.resolve,
      [
        { ...query('platform', 'The platform.'), required: true },
        { ...query('workspace_id', "The platform's id of the workspace."), required: true },
      ],
    ),
  },
  [`${installations}/audit`]: {
    get: operation('auditInstallations', 'What happened to installations, oldest first.', answers.audit, [
      query('installation_id', 'Only of this installation.'),
      query('limit', 'The last so many: 1 to 500, usually 100.', { type: 'string', pattern: '^[0-9]*$' }),
    ]),
  },
  [`${installations}/{installation_id}`]: {
    get: operation('getInstallation', 'One installation.', answers.one, [id]),
    delete: operation('deleteInstallation', 'Removes it with its tokens. The record stays.', answers.deleted, [id]),
  },
  [`${installations}/{installation_id}/activate`]: {
    post: operation('activateInstallation', 'Uses it again.', answers.activated, [id]),
  },
  [`${installations}/{installation_id}/deactivate`]: {
    post: operation('deactivateInstallation', 'No longer uses it; tokens are kept.', answers.one, [id]),
  },
  '/openclaw/connector/secrets': {
    get: operation(
      'listSecretRefs',
      'Where the secrets of the configuration come from. Never a value.',
      answers.secrets,
    ),
  },
  '/openclaw/connector/extraction-contract': {
    get: operation(
      'getExtractionContract',
      'How this connector is packaged. The same for everybody.',
      answers.contract,
    ),
  },
  '/openclaw/connector/openapi.json': {
    get: {
      operationId: 'getOpenApi',
      summary: 'This document. Needs no token.',
      security: [],
      responses: { 200: answers.plain('This document.', { type: 'object' }) },
    },
  },
}

/** The document of all routes below /openclaw/connector. The test holds it against the handlers. */
export const openApi = ({
  version,
  tenancy,
}: {
  readonly version: string
  readonly tenancy: { readonly header: string } | null
}) => ({
  openapi: '3.1.0',
  info: {
    title: 'openclaw-connector admin API',
    version,
    description: tenancy
      ? `Everything belongs to a tenant, named by the header ${tenancy.header}; without it to the connector's own.`
      : 'Everything belongs to the tenant "default"; multi-tenant mode is off.',
  },
  security: [{ adminToken: [] }],
  paths,
  components: {
    securitySchemes: { adminToken: { type: 'apiKey', in: 'header', name: 'X-OpenClaw-Admin-Token' } },
    schemas,
  },
})
