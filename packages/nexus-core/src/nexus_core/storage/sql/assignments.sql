-- fragment: assignment_columns
a.id, a.task_id, a.agent_name, a.assigned_at, a.status, a.fence, a.lease_until, a.attempt, a.branch, a.reason,
       a.result, a.ended_at

-- fragment: activity_columns
id, assignment_id, type, body, choices, answer, answered_by, created_at

-- name: insert_assignment
INSERT INTO agent_assignments (id, task_id, agent_name, assigned_at, status, fence, lease_until, attempt, branch, reason, result)
VALUES (COALESCE(NULLIF(CAST(:id AS bigint), 0), /*pg: nextval(pg_get_serial_sequence('agent_assignments', 'id')), */
                 (SELECT max(id) + 1 FROM agent_assignments), 1),
        :task_id, :agent, :now, :status, :fence, :lease_until, :attempt, :branch, :reason, :result)
RETURNING id

-- fragment: with_last_word
{assignment_columns}, y.id AS said_id, y.type AS said_type, y.body AS said_body, y.choices AS said_choices, y.answer AS said_answer,
       y.answered_by AS said_answered_by, y.created_at AS said_created_at
  FROM agent_assignments a LEFT JOIN activities y ON y.id = (SELECT max(id) FROM activities WHERE assignment_id = a.id)

-- name: get_assignment
SELECT {with_last_word}
 WHERE a.id = :id

-- name: lock_assignment
SELECT {with_last_word}
 WHERE a.id = :id
 /*pg: FOR UPDATE OF a */

-- name: list_assignments
SELECT {with_last_word} JOIN tasks t ON t.id = a.task_id
 WHERE (CAST(:everything AS boolean) OR t.repository_id IN (:visible))
   AND (CAST(:status AS text) IS NULL OR a.status = :status)
   AND (CAST(:agent AS text) IS NULL OR a.agent_name = :agent)
   AND (CAST(:task_id AS bigint) IS NULL OR a.task_id = :task_id)
   AND (CAST(:any_live AS boolean) OR (a.ended_at IS NULL) = CAST(:live AS boolean))
   AND a.id > :after_id
 ORDER BY a.id LIMIT :limit

-- name: live_assignments
SELECT {assignment_columns}
  FROM agent_assignments a WHERE ended_at IS NULL ORDER BY id

-- name: lock_agent
SELECT /*pg: pg_advisory_xact_lock(7237102, hashtext(:agent)) IS NULL AND */ CAST(:agent AS text) IS NOT NULL AS locked

-- name: count_live_assignments
SELECT count(*) AS number FROM agent_assignments WHERE ended_at IS NULL AND agent_name = :agent

-- name: expired_assignments
SELECT {assignment_columns}
  FROM agent_assignments a WHERE ended_at IS NULL AND lease_until < :now ORDER BY lease_until LIMIT :limit

-- name: update_assignment
UPDATE agent_assignments
   SET status = :status, lease_until = :lease_until, branch = :branch, result = :result, ended_at = :ended_at
 WHERE id = :id

-- name: renew_lease
UPDATE agent_assignments SET lease_until = :lease_until
 WHERE id = :id AND fence = :fence AND ended_at IS NULL

-- name: insert_activity
INSERT INTO activities (assignment_id, type, body, choices, created_at)
VALUES (:assignment_id, :type, :body, :choices, :now)
RETURNING {activity_columns}

-- name: list_activities
SELECT {activity_columns}
  FROM activities WHERE assignment_id = :assignment_id AND id > :after_id ORDER BY id LIMIT :limit

-- name: get_activity
SELECT {activity_columns}
  FROM activities WHERE id = :id

-- name: list_inbox
SELECT {activity_columns}
  FROM activities
 WHERE type = 'elicitation' AND answer IS NULL
   AND EXISTS (SELECT 1 FROM agent_assignments s JOIN tasks t ON t.id = s.task_id
                WHERE s.id = activities.assignment_id AND s.ended_at IS NULL
                  AND (CAST(:everything AS boolean) OR t.repository_id IN (:visible)))
 ORDER BY id LIMIT :limit

-- name: answer_activity
UPDATE activities SET answer = :answer, answered_by = :answered_by WHERE id = :id AND answer IS NULL
