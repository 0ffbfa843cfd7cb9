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

const time = '2025-05-29T08:24:35.511961+00:00';
const stage = {
  id: '2d5e039d-c552-45d0-b7ee-1fe869bf2a48',
  name: 'New',
  position: 1,
  color: '#4299E1',
  default_probability: 10,
};
const pipeline = {
  id: '9c9f6e28-a106-4c10-89f5-6deae846b674',
  name: 'Sales Pipeline',
  description: 'Main sales process from lead to customer',
  workspace_id: '15213',
  is_default: true,
  is_active: true,
};
const wholeStage = {
  ...stage,
  pipeline_id: '9c9f6e28-a106-4c10-89f5-6deae846b674',
  workspace_id: '15213',
  description: 'Initial stage for new opportunities',
  is_won_stage: false,
  is_lost_stage: false,
  opportunity_count: 8,
  total_value: 120_000,
  created_at: time,
  updated_at: time,
};
const opportunity = {
  id: '123e4567-e89b-12d3-a456-426614174000',
  title: 'Kitchen Renovation - Smith Family',
  description: 'Complete kitchen remodel',
  stage_id: 'abc1234-e89b-12d3-a456-426614174003',
  pipeline_id: '9c9f6e28-a106-4c10-89f5-6deae846b674',
  amount: 45_000,
  currency: 'USD',
  probability: 75,
  priority: 'high',
  expected_close_date: '2025-08-15T00:00:00.000Z',
  tags: ['kitchen'],
  workspace_id: '15213',
  created_by: '8dd372cd-8b39-43c8-b344-aa0544a83f38',
  assigned_to: '8dd372cd-8b39-43c8-b344-aa0544a83f38',
  created_at: time,
  updated_at: time,
  is_closed: false,
  is_won: null,
};
const contactOf = {
  id: '456e7890-e89b-12d3-a456-426614174001',
  firstname: 'John',
  lastname: 'Smith',
  email: 'john.smith@email.com',
  phone_number: '+1234567890',
};
const stageOf = { id: stage.id, name: 'Proposal Sent', color: '#F6AD55', pipeline_id: pipeline.id };
const listed = {
  ...opportunity,
  contact_id: contactOf.id,
  company_id: '789e0123-e89b-12d3-a456-426614174002',
  stage: stageOf,
  contact: contactOf,
  company: { id: '789e0123-e89b-12d3-a456-426614174002', name: 'Smith Residence' },
};
const noted = { notes: 'Customer is very interested.', source: 'referral' };
const summary = {
  total_opportunities: 156,
  total_value: 2_450_000,
  won_opportunities: 23,
  won_value: 485_000,
  lost_opportunities: 12,
  lost_value: 89_000,
  win_rate: 65.71,
  loss_rate: 34.29,
  average_deal_size: 15_641.03,
  weighted_pipeline_value: 1_204_000,
};
const stageMetrics = {
  stage_id: stage.id,
  stage_name: 'New',
  count: 45,
  total_value: 675_000,
  average_value: 15_000,
  conversion_rate: 78.2,
  avg_time_in_stage_days: 5.3,
};
const step = {
  from_stage: 'New',
  to_stage: 'Pending',
  conversion_rate: 78.2,
  opportunities_moved: 25,
  total_opportunities: 32,
};
const trend = { period: '2025-05', new_opportunities: 25, closed_won: 8, closed_lost: 3, revenue: 125_000 };
const forecast = {
  expected_revenue: 145_000,
  weighted_revenue: 108_750,
  best_case: 165_000,
  worst_case: 87_000,
};
const closing = { ...forecast, opportunities_closing: 9 };

export const automate8Examples = {
  'GET /api/pipeline/pipelines': {
    success: true,
    data: [
      {
        ...pipeline,
        created_at: time,
        updated_at: time,
        created_by: '8dd372cd-8b39-43c8-b344-aa0544a83f38',
        opportunity_count: 12,
        total_value: 450_000,
        stages: [{ ...stage, is_won_stage: true, opportunity_count: 5 }],
      },
    ],
  },
  'POST /api/pipeline/pipelines': {
    success: true,
    data: {
      ...pipeline,
      created_at: time,
      created_by: '8dd372cd-8b39-43c8-b344-aa0544a83f38',
      stages: [{ ...stage, is_won_stage: false, is_lost_stage: false }],
    },
  },
  'PUT /api/pipeline/pipelines/:id': { success: true, data: { ...pipeline, updated_at: time } },
  'GET /api/pipeline/stages': {
    success: true,
    data: [{ ...wholeStage, pipeline: { id: pipeline.id, name: 'Sales Pipeline' } }],
  },
  'POST /api/pipeline/stages': {
    success: true,
    data: { ...wholeStage, created_by: '8dd372cd-8b39-43c8-b344-aa0544a83f38' },
  },
  'PUT /api/pipeline/stages/:id': { success: true, data: wholeStage },
  'GET /api/pipeline/opportunities': {
    success: true,
    data: [listed],
    pagination: { page: 1, limit: 50, total: 45, totalPages: 1, hasNext: false, hasPrev: false },
  },
  'GET /api/pipeline/opportunities/:id': {
    success: true,
    data: {
      ...listed,
      ...noted,
      closed_at: null,
      stage: { ...stageOf, default_probability: 50 },
      pipeline: { id: pipeline.id, name: 'Sales Pipeline', description: 'Main sales process' },
      contact: { ...contactOf, company: 'Smith Residence' },
      company: { ...listed.company, industry: 'Residential' },
      activities: [
        {
          id: 'activity-uuid-1',
          type: 'note',
          content: 'Initial consultation completed',
          created_at: time,
          created_by: '8dd372cd-8b39-43c8-b344-aa0544a83f38',
        },
      ],
    },
  },
  'POST /api/pipeline/opportunities': { success: true, data: opportunity },
  'PUT /api/pipeline/opportunities/:id': { success: true, data: { ...opportunity, notes: 'x' } },
  'PUT /api/pipeline/opportunities/:id/move': {
    success: true,
    data: {
      id: opportunity.id,
      stage_id: stage.id,
      pipeline_id: pipeline.id,
      probability: 50,
      updated_at: time,
      stage: { id: stage.id, name: 'Pending', color: '#F6AD55', default_probability: 50 },
    },
    history: {
      id: 'history-uuid',
      opportunity_id: opportunity.id,
      field_changed: 'stage_id',
      old_value: stage.id,
      new_value: '1b46199a-e3ae-4e15-86a3-a46a57acce8b',
      changed_by: '8dd372cd-8b39-43c8-b344-aa0544a83f38',
      changed_at: time,
    },
  },
  'GET /api/pipeline/metrics': {
    success: true,
    data: {
      summary: { ...summary, total_pipeline_value: 1_876_000 },
      by_pipeline: [
        {
          pipeline_id: pipeline.id,
          pipeline_name: 'Sales Pipeline',
          total_opportunities: 89,
          total_value: 1_420_000,
          win_rate: 72.5,
          active_value: 1_050_000,
        },
      ],
      by_stage: [{ ...stageMetrics, pipeline_name: 'Sales Pipeline' }],
      conversion_funnel: [{ ...step, pipeline_name: 'Sales Pipeline', average_time_days: 7.2 }],
      trends: [{ ...trend, pipeline_value: 450_000 }],
    },
  },
  'GET /api/pipeline/metrics?pipeline_id': {
    success: true,
    data: {
      pipeline_info: { id: pipeline.id, name: 'Sales Pipeline', description: 'Main sales process' },
      summary: { ...summary, active_pipeline_value: 1_083_000 },
      by_stage: [stageMetrics],
      forecast: { next_30_days: closing, next_90_days: closing },
    },
  },
  'GET /api/pipeline/metrics/overview': {
    success: true,
    data: {
      totalOpportunities: 150,
      totalValue: 2_500_000,
      avgDealSize: 16_666.67,
      wonOpportunities: 25,
      wonValue: 450_000,
      winRate: 16.67,
      stageDistribution: [{ stage_id: stage.id, stage_name: 'Prospecting', count: 45, value: 750_000 }],
    },
  },
  'GET /api/pipeline/metrics/conversion': {
    success: true,
    data: {
      conversionRates: [step],
      avgTimeInStage: [{ stage_name: 'Prospecting', avg_days: 12.5 }],
    },
  },
  'GET /api/pipeline/metrics/performance': {
    success: true,
    data: { period: 'month', forecast, trends: [trend] },
  },
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
  'GET /api/agents': {
    success: true,
    data: [
      {
        id: 'user-uuid-1',
        name: 'John Smith',
        email: 'john@company.com',
        role: 'agent',
        status: 'active',
        avatar: 'https://example.com/avatar.jpg',
        active_assignments: 5,
        joined_at: '2024-01-15T00:00:00Z',
        last_active: '2025-01-15T14:30:00Z',
      },
    ],
  },
  'GET /api/agents/stats': {
    success: true,
    data: {
      total_agents: 10,
      active_agents: 8,
      by_role: { admin: 2, manager: 2, agent: 5, viewer: 1 },
      assignment_distribution: [{ agent_id: 'user-uuid-1', agent_name: 'John Smith', assignment_count: 15 }],
    },
  },
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
