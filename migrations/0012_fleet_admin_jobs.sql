-- Totals of lists that reach across owners: triggers keep them, because counting reads every row.
CREATE TABLE `row_counts` (
	`name` text PRIMARY KEY NOT NULL,
	`n` integer NOT NULL
);
INSERT INTO `row_counts` (`name`, `n`) VALUES
	('bots.active', (SELECT count(*) FROM `bots` WHERE `status` = 'active')),
	('instances', (SELECT count(*) FROM `instances`)),
	('users.deleted', (SELECT count(*) FROM `users` WHERE `status` = 'deleted')),
	('users.verified', (SELECT count(*) FROM `users` WHERE `status` <> 'deleted' AND `account_verified` = 1)),
	('users.unverified', (SELECT count(*) FROM `users` WHERE `status` <> 'deleted' AND `account_verified` <> 1));
CREATE TRIGGER `bots_counted_in` AFTER INSERT ON `bots` WHEN new.status = 'active' BEGIN
	UPDATE row_counts SET n = n + 1 WHERE name = 'bots.active';
END;
CREATE TRIGGER `bots_counted_out` AFTER DELETE ON `bots` WHEN old.status = 'active' BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = 'bots.active';
END;
CREATE TRIGGER `bots_counted_anew` AFTER UPDATE OF `status` ON `bots` WHEN (old.status = 'active') <> (new.status = 'active') BEGIN
	UPDATE row_counts SET n = n + (new.status = 'active') - (old.status = 'active') WHERE name = 'bots.active';
END;
CREATE TRIGGER `instances_counted_in` AFTER INSERT ON `instances` BEGIN
	UPDATE row_counts SET n = n + 1 WHERE name = 'instances';
END;
CREATE TRIGGER `instances_counted_out` AFTER DELETE ON `instances` BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = 'instances';
END;
CREATE TRIGGER `users_counted_in` AFTER INSERT ON `users` BEGIN
	UPDATE row_counts SET n = n + 1 WHERE name = CASE WHEN new.status = 'deleted' THEN 'users.deleted' WHEN new.account_verified = 1 THEN 'users.verified' ELSE 'users.unverified' END;
END;
CREATE TRIGGER `users_counted_out` AFTER DELETE ON `users` BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = CASE WHEN old.status = 'deleted' THEN 'users.deleted' WHEN old.account_verified = 1 THEN 'users.verified' ELSE 'users.unverified' END;
END;
CREATE TRIGGER `users_counted_anew` AFTER UPDATE OF `status`, `account_verified` ON `users` WHEN old.status <> new.status OR old.account_verified <> new.account_verified BEGIN
	UPDATE row_counts SET n = n - 1 WHERE name = CASE WHEN old.status = 'deleted' THEN 'users.deleted' WHEN old.account_verified = 1 THEN 'users.verified' ELSE 'users.unverified' END;
	UPDATE row_counts SET n = n + 1 WHERE name = CASE WHEN new.status = 'deleted' THEN 'users.deleted' WHEN new.account_verified = 1 THEN 'users.verified' ELSE 'users.unverified' END;
END;

-- The same for fingerprints of several accounts: finding them would read the whole history.
CREATE TABLE `fingerprint_collisions` (
	`fingerprint` text PRIMARY KEY NOT NULL,
	`user_count` integer NOT NULL,
	`first_seen_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL
);
CREATE INDEX `fingerprint_collisions_size` ON `fingerprint_collisions` (`user_count`,`last_seen_at`);
INSERT INTO `fingerprint_collisions` (`fingerprint`, `user_count`, `first_seen_at`, `last_seen_at`)
	SELECT `fingerprint`, count(DISTINCT `tenant_id`), min(`first_seen_at`), max(`first_seen_at`) FROM `fingerprint_history` GROUP BY `fingerprint` HAVING count(DISTINCT `tenant_id`) > 1;
CREATE TRIGGER `fingerprint_history_collides` AFTER INSERT ON `fingerprint_history`
WHEN EXISTS (SELECT 1 FROM fingerprint_history WHERE fingerprint = new.fingerprint AND tenant_id <> new.tenant_id) BEGIN
	DELETE FROM fingerprint_collisions WHERE fingerprint = new.fingerprint;
	INSERT INTO fingerprint_collisions (fingerprint, user_count, first_seen_at, last_seen_at)
		SELECT fingerprint, count(DISTINCT tenant_id), min(first_seen_at), max(first_seen_at) FROM fingerprint_history WHERE fingerprint = new.fingerprint GROUP BY fingerprint;
END;
CREATE TRIGGER `fingerprint_history_parts` AFTER DELETE ON `fingerprint_history`
WHEN EXISTS (SELECT 1 FROM fingerprint_collisions WHERE fingerprint = old.fingerprint) BEGIN
	DELETE FROM fingerprint_collisions WHERE fingerprint = old.fingerprint;
	INSERT INTO fingerprint_collisions (fingerprint, user_count, first_seen_at, last_seen_at)
		SELECT fingerprint, count(DISTINCT tenant_id), min(first_seen_at), max(first_seen_at) FROM fingerprint_history WHERE fingerprint = old.fingerprint GROUP BY fingerprint HAVING count(DISTINCT tenant_id) > 1;
END;

CREATE TABLE `admin_jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`started_by` integer,
	`total` integer NOT NULL,
	`processed` integer DEFAULT 0 NOT NULL,
	`counts` text NOT NULL,
	`cursor` integer DEFAULT 0 NOT NULL,
	`step` integer DEFAULT 0 NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`error` text,
	`started_at` integer,
	`finished_at` integer,
	`progress_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `admin_jobs_open` ON `admin_jobs` (`kind`) WHERE status IN ('pending', 'running');
CREATE INDEX `admin_jobs_newest` ON `admin_jobs` (`created_at`,`id`);
CREATE TABLE `compat_runs` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`runtime` text NOT NULL,
	`openclaw_version` text NOT NULL,
	`plugin_version` text NOT NULL,
	`cli_version` text NOT NULL,
	`result` text NOT NULL,
	`summary` text,
	`scenarios` text NOT NULL,
	`log_artifact_url` text,
	`triggered_by` text,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `compat_runs_natural` ON `compat_runs` (`openclaw_version`,`started_at`,`runtime`);
CREATE INDEX `compat_runs_newest` ON `compat_runs` (`started_at`,`id`);
CREATE INDEX `compat_runs_runtime` ON `compat_runs` (`runtime`,`started_at`,`id`);
CREATE TABLE `component_releases` (
	`component` text PRIMARY KEY NOT NULL,
	`latest_version` text,
	`checked_at` integer NOT NULL
);
CREATE INDEX `bots_listed` ON `bots` (`created_at`,`id`) WHERE status = 'active';
CREATE INDEX `bots_listed_username` ON `bots` (`username`) WHERE status = 'active';
CREATE INDEX `bots_listed_name` ON `bots` (lower(name)) WHERE status = 'active';
CREATE INDEX `instances_label` ON `instances` (lower(label));
CREATE INDEX `instances_machine` ON `instances` (`machine_fingerprint`) WHERE machine_fingerprint IS NOT NULL;
CREATE INDEX `users_created` ON `users` (`created_at`);
CREATE INDEX `sessions_created` ON `sessions` (`created_at`);
