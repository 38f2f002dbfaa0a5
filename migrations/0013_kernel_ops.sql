-- What operators look at: how ticks ended, how late work is, who did what, and switches.
ALTER TABLE `cron_runs` ADD `ended_at` integer;
ALTER TABLE `cron_runs` ADD `outcome` text;
ALTER TABLE `cron_runs` ADD `error` text;
CREATE INDEX `cron_runs_failed` ON `cron_runs` (`scheduled_at`,`job`) WHERE outcome = 'failed';
ALTER TABLE `processed_messages` ADD `late_ms` integer;
CREATE INDEX `dead_letters_time` ON `dead_letters` (`created_at`,`id`);
CREATE INDEX `dead_letters_type` ON `dead_letters` (`type`,`created_at`,`id`);
CREATE INDEX `audit_log_time` ON `audit_log` (`created_at`);
CREATE INDEX `audit_log_actor` ON `audit_log` (`actor_id`,`created_at`);
ALTER TABLE `audit_log` ADD `noun` text GENERATED ALWAYS AS (substr(action, 1, instr(action, '.') - 1)) VIRTUAL;
CREATE INDEX `audit_log_noun` ON `audit_log` (`noun`,`created_at`);
CREATE TABLE `feature_gates` (
	`key` text PRIMARY KEY NOT NULL,
	`enabled` integer NOT NULL,
	`percentage` integer NOT NULL,
	`allowed_accounts` text NOT NULL,
	`note` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE TABLE `reseal_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`state` text NOT NULL,
	`pass` integer DEFAULT 1 NOT NULL,
	`column_name` text,
	`after_rowid` integer DEFAULT 0 NOT NULL,
	`seen` integer DEFAULT 0 NOT NULL,
	`resealed` integer DEFAULT 0 NOT NULL,
	`unreadable` integer DEFAULT 0 NOT NULL,
	`left_over` integer,
	`started_by` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`ended_at` integer,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `reseal_runs_running` ON `reseal_runs` (`state`) WHERE state = 'running';
CREATE INDEX `reseal_runs_time` ON `reseal_runs` (`created_at`,`id`);
ALTER TABLE `cli_tokens` ADD `key_id` text;
