-- What somebody has that a plan counts, kept by triggers: lists of everybody's holdings would count every machine and every bot.
CREATE TABLE `tenant_holdings` (
	`tenant_id` integer PRIMARY KEY NOT NULL,
	`machines` integer DEFAULT 0 NOT NULL,
	`bots` integer DEFAULT 0 NOT NULL,
	`running_bots` integer DEFAULT 0 NOT NULL,
	`shares` integer DEFAULT 0 NOT NULL,
	`first_upload` text
);
INSERT INTO `tenant_holdings` (`tenant_id`, `machines`, `bots`, `running_bots`, `shares`, `first_upload`)
	SELECT `tenant_id`, sum(`machines`), sum(`bots`), sum(`running_bots`), sum(`shares`), min(`first_upload`) FROM (
		SELECT `tenant_id`, archived_at IS NULL AND plan_disabled_at IS NULL AND cloud_vm_id IS NULL AS `machines`, 0 AS `bots`, 0 AS `running_bots`, 0 AS `shares`, NULL AS `first_upload` FROM `instances`
		UNION ALL SELECT `tenant_id`, 0, status = 'active' AND plan_disabled_at IS NULL, status IN ('creating', 'active') AND plan_disabled_at IS NULL, 0, NULL FROM `bots`
		UNION ALL SELECT `tenant_id`, 0, 0, 0, ended_at IS NULL, NULL FROM `bot_shares`
		UNION ALL SELECT `tenant_id`, 0, 0, 0, 0, `period` FROM `usage_summaries` WHERE `metric` = 'media_bytes' AND `period` <> 'all'
	) WHERE `tenant_id` IN (SELECT `id` FROM `users`) GROUP BY `tenant_id`;
CREATE TRIGGER `instances_held_in` AFTER INSERT ON `instances` BEGIN
	INSERT INTO tenant_holdings (tenant_id, machines) VALUES (new.tenant_id, new.archived_at IS NULL AND new.plan_disabled_at IS NULL AND new.cloud_vm_id IS NULL)
		ON CONFLICT (tenant_id) DO UPDATE SET machines = machines + excluded.machines;
END;
CREATE TRIGGER `instances_held_out` AFTER DELETE ON `instances` WHEN old.archived_at IS NULL AND old.plan_disabled_at IS NULL AND old.cloud_vm_id IS NULL BEGIN
	UPDATE tenant_holdings SET machines = machines - 1 WHERE tenant_id = old.tenant_id;
END;
CREATE TRIGGER `instances_held_anew` AFTER UPDATE OF `archived_at`, `plan_disabled_at`, `cloud_vm_id` ON `instances`
WHEN (old.archived_at IS NULL AND old.plan_disabled_at IS NULL AND old.cloud_vm_id IS NULL) <> (new.archived_at IS NULL AND new.plan_disabled_at IS NULL AND new.cloud_vm_id IS NULL) BEGIN
	UPDATE tenant_holdings SET machines = machines + CASE WHEN new.archived_at IS NULL AND new.plan_disabled_at IS NULL AND new.cloud_vm_id IS NULL THEN 1 ELSE -1 END WHERE tenant_id = new.tenant_id;
END;
CREATE TRIGGER `bots_held_in` AFTER INSERT ON `bots` BEGIN
	INSERT INTO tenant_holdings (tenant_id, bots, running_bots) VALUES (new.tenant_id, new.status = 'active' AND new.plan_disabled_at IS NULL, new.status IN ('creating', 'active') AND new.plan_disabled_at IS NULL)
		ON CONFLICT (tenant_id) DO UPDATE SET bots = bots + excluded.bots, running_bots = running_bots + excluded.running_bots;
END;
CREATE TRIGGER `bots_held_out` AFTER DELETE ON `bots` BEGIN
	UPDATE tenant_holdings SET bots = bots - (old.status = 'active' AND old.plan_disabled_at IS NULL), running_bots = running_bots - (old.status IN ('creating', 'active') AND old.plan_disabled_at IS NULL) WHERE tenant_id = old.tenant_id;
END;
CREATE TRIGGER `bots_held_anew` AFTER UPDATE OF `status`, `plan_disabled_at` ON `bots` WHEN old.status <> new.status OR (old.plan_disabled_at IS NULL) <> (new.plan_disabled_at IS NULL) BEGIN
	UPDATE tenant_holdings SET
		bots = bots + (new.status = 'active' AND new.plan_disabled_at IS NULL) - (old.status = 'active' AND old.plan_disabled_at IS NULL),
		running_bots = running_bots + (new.status IN ('creating', 'active') AND new.plan_disabled_at IS NULL) - (old.status IN ('creating', 'active') AND old.plan_disabled_at IS NULL)
	WHERE tenant_id = new.tenant_id;
END;
CREATE TRIGGER `bot_shares_held_in` AFTER INSERT ON `bot_shares` BEGIN
	INSERT INTO tenant_holdings (tenant_id, shares) VALUES (new.tenant_id, new.ended_at IS NULL) ON CONFLICT (tenant_id) DO UPDATE SET shares = shares + excluded.shares;
END;
CREATE TRIGGER `bot_shares_held_out` AFTER DELETE ON `bot_shares` WHEN old.ended_at IS NULL BEGIN
	UPDATE tenant_holdings SET shares = shares - 1 WHERE tenant_id = old.tenant_id;
END;
CREATE TRIGGER `bot_shares_held_anew` AFTER UPDATE OF `ended_at` ON `bot_shares` WHEN (old.ended_at IS NULL) <> (new.ended_at IS NULL) BEGIN
	UPDATE tenant_holdings SET shares = shares + CASE WHEN new.ended_at IS NULL THEN 1 ELSE -1 END WHERE tenant_id = new.tenant_id;
END;
CREATE TRIGGER `usage_summaries_held_in` AFTER INSERT ON `usage_summaries` WHEN new.metric = 'media_bytes' AND new.period <> 'all' BEGIN
	INSERT INTO tenant_holdings (tenant_id, first_upload) VALUES (new.tenant_id, new.period) ON CONFLICT (tenant_id) DO UPDATE SET first_upload = min(coalesce(first_upload, excluded.first_upload), excluded.first_upload);
END;
CREATE TRIGGER `users_held_out` AFTER DELETE ON `users` BEGIN
	DELETE FROM tenant_holdings WHERE tenant_id = old.id;
END;
CREATE INDEX `usage_summaries_uploads` ON `usage_summaries` (`period`,`metric`,`used`,`tenant_id`);

-- Totals of two lists by what they are filtered by, beside those of migration 0012.
INSERT INTO `row_counts` (`name`, `n`) SELECT 'support_reports.' || `status`, count(*) FROM `support_reports` GROUP BY `status`;
CREATE TRIGGER `support_reports_counted_in` AFTER INSERT ON `support_reports` BEGIN
	INSERT INTO row_counts (name, n) VALUES ('support_reports.' || new.status, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER `support_reports_counted_out` AFTER DELETE ON `support_reports` BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = 'support_reports.' || old.status;
END;
CREATE TRIGGER `support_reports_counted_anew` AFTER UPDATE OF `status` ON `support_reports` WHEN old.status <> new.status BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = 'support_reports.' || old.status;
	INSERT INTO row_counts (name, n) VALUES ('support_reports.' || new.status, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1;
END;
INSERT INTO `row_counts` (`name`, `n`)
	SELECT 'downgrade_requests.' || CASE WHEN `resolved_at` IS NULL THEN 'open.' ELSE 'resolved.' END || `reason`, count(*) FROM `downgrade_requests` GROUP BY 1;
CREATE TRIGGER `downgrade_requests_counted_in` AFTER INSERT ON `downgrade_requests` BEGIN
	INSERT INTO row_counts (name, n) VALUES ('downgrade_requests.' || CASE WHEN new.resolved_at IS NULL THEN 'open.' ELSE 'resolved.' END || new.reason, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER `downgrade_requests_counted_out` AFTER DELETE ON `downgrade_requests` BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = 'downgrade_requests.' || CASE WHEN old.resolved_at IS NULL THEN 'open.' ELSE 'resolved.' END || old.reason;
END;
CREATE TRIGGER `downgrade_requests_counted_anew` AFTER UPDATE OF `resolved_at`, `reason` ON `downgrade_requests` WHEN (old.resolved_at IS NULL) <> (new.resolved_at IS NULL) OR old.reason <> new.reason BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = 'downgrade_requests.' || CASE WHEN old.resolved_at IS NULL THEN 'open.' ELSE 'resolved.' END || old.reason;
	INSERT INTO row_counts (name, n) VALUES ('downgrade_requests.' || CASE WHEN new.resolved_at IS NULL THEN 'open.' ELSE 'resolved.' END || new.reason, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1;
END;
CREATE INDEX `downgrade_requests_listed_open` ON `downgrade_requests` (`created_at`) WHERE resolved_at IS NULL;
CREATE INDEX `downgrade_requests_listed_resolved` ON `downgrade_requests` (`created_at`) WHERE resolved_at IS NOT NULL;
CREATE INDEX `downgrade_requests_reason` ON `downgrade_requests` (`reason`,`created_at`);
