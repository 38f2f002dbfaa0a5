CREATE TABLE `instances` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`instance_id` text NOT NULL,
	`label` text NOT NULL,
	`registered_version` text NOT NULL,
	`machine_fingerprint` text,
	`provider` text,
	`orgo_workspace_id` text,
	`orgo_workspace_name` text,
	`orgo_computer_id` text,
	`capabilities` text NOT NULL,
	`online` integer NOT NULL,
	`online_changed_at` integer NOT NULL,
	`archived_at` integer,
	`plan_disabled_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `instances_instance_id` ON `instances` (`instance_id`);
CREATE INDEX `instances_tenant` ON `instances` (`tenant_id`,`created_at`);
CREATE UNIQUE INDEX `instances_fingerprint` ON `instances` (`tenant_id`,`machine_fingerprint`);
CREATE TABLE `fingerprint_history` (
	`fingerprint` text NOT NULL,
	`tenant_id` integer NOT NULL,
	`instance_id` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	PRIMARY KEY(`fingerprint`, `tenant_id`, `instance_id`)
);
CREATE TABLE `plans` (
	`key` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`tier` integer NOT NULL,
	`max_instances` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE TABLE `supported_versions` (
	`component` text PRIMARY KEY NOT NULL,
	`supported_version` text NOT NULL,
	`updated_at` integer NOT NULL
);

-- The two plans every account meets first; a later migration completes the catalogue.
INSERT INTO `plans` (`key`, `name`, `tier`, `max_instances`, `created_at`, `updated_at`) VALUES
	('free', 'Free', 0, 1, 0, 0),
	('free_trial', 'Free trial', 1, 3, 0, 0);
