/**
 * The answers that the contract's document shows, by operation: names and types of their fields. Where it shows an answer
 * for a list, one row stands for all.
 */

const key = {
  id: 'api-key-uuid-1',
  name: 'Integration Key',
  key_prefix: 'crm_live_abc123',
  permissions: {},
  expires_at: '2025-12-31T23:59:59.000Z',
};
const secret = {
  key: 'crm_live_abc123def456ghi789_xyz789',
  key_full: 'crm_live_abc123def456ghi789_xyz789',
};
const keyOrigin = {
  created_at: '2025-01-20T14:00:00.000Z',
  created_by: '8dd372cd-8b39-43c8-b344-aa0544a83f38',
};

const contact = {
  id: '270f0450-cdb0-4a73-b916-fe0828d11c94',
  phone_number: '+15551234567',
  workspace_id: '05084',
  name: 'John Smith',
  email: 'john.smith@example.com',
  firstname: 'John',
  lastname: 'Smith',
  lead_status: 'new',
  tags: ['new'],
};
const wholeContact = {
  ...contact,
  created_at: '2025-06-02T10:17:11.081+00:00',
  updated_at: '2025-06-02T10:17:11.081+00:00',
  lead_source: 'website',
};

const tag = {
  id: 'tag-uuid-1',
  name: 'Hot Lead',
  color: 'red',
  description: 'High priority prospects',
  workspace_id: '15213',
  usage_count: 25,
  created_at: '2025-01-15T10:00:00Z',
  updated_at: '2025-01-15T10:00:00Z',
};

export const automate8Examples = {
  'POST /api/contacts': {
    success: true,
    message: 'Contact created successfully',
    data: {
      ...wholeContact,
      notes: 'Interested in kitchen renovation',
      // The optional fields of its request.
      product: 'Kitchen',
      address: '1 Main Street',
      city: 'Springfield',
      state: 'IL',
      zip: '62701',
      priority: 'high',
      opt_in_through: 'form',
    },
  },
  'GET /api/contacts/search': { success: true, count: 1, data: [contact] },
  'GET /api/contacts/enhanced-search': {
    success: true,
    count: 25,
    data: [wholeContact],
    pagination: { limit: 10, offset: 0, total: 25, has_more: true },
  },
  'GET /api/tags': {
    success: true,
    data: [tag],
    pagination: { limit: 10, offset: 0, total: 1 },
  },
  'POST /api/tags': { success: true, data: tag },
  'PUT /api/tags/:id': { success: true, data: tag },
  'GET /api/api-keys': {
    success: true,
    data: [
      {
        ...key,
        key_full: null,
        last_used_at: '2025-01-25T10:30:00.000Z',
        is_active: true,
        ...keyOrigin,
      },
    ],
  },
  'POST /api/api-keys': {
    success: true,
    data: { ...key, ...secret, is_active: true, ...keyOrigin },
    warning: 'This API key will only be shown once. Please save it securely.',
  },
  'PUT /api/api-keys/:id': {
    success: true,
    data: { ...key, is_active: false, updated_at: '2025-01-27T16:00:00.000Z' },
  },
  'POST /api/api-keys/:id/regenerate': {
    success: true,
    data: { ...key, ...secret, regenerated_at: '2025-01-27T16:30:00.000Z' },
    warning: 'This new API key will only be shown once. Please save it securely.',
  },
};
