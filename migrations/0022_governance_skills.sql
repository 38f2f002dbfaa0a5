CREATE TABLE `governance_skill_bundles` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text NOT NULL,
	`release` text NOT NULL,
	`digest` text NOT NULL,
	`digest_key` text NOT NULL,
	`scope` text NOT NULL,
	`status` text NOT NULL,
	`tags` text NOT NULL,
	`source_id` text,
	`content_url` text,
	`published_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `governance_skill_bundles_name` ON `governance_skill_bundles` (`name`,`release`,`digest_key`);
CREATE INDEX `governance_skill_bundles_digest` ON `governance_skill_bundles` (`digest_key`);
CREATE INDEX `governance_skill_bundles_age` ON `governance_skill_bundles` (`created_at`);
CREATE INDEX `governance_skill_bundles_status` ON `governance_skill_bundles` (`status`,`id`);
CREATE INDEX `governance_skill_bundles_source` ON `governance_skill_bundles` (`source_id`);
CREATE TABLE `governance_skill_contents` (
	`sha256` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`content_type` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `governance_skill_contents_age` ON `governance_skill_contents` (`updated_at`);
CREATE TABLE `governance_skill_promotions` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`bundle_id` text NOT NULL,
	`from_scope` text NOT NULL,
	`to_scope` text NOT NULL,
	`promoted_by` text NOT NULL,
	`status` text NOT NULL,
	`notes` text,
	`created_at` integer NOT NULL
);
CREATE UNIQUE INDEX `governance_skill_promotions_id` ON `governance_skill_promotions` (`id`);
CREATE INDEX `governance_skill_promotions_bundle` ON `governance_skill_promotions` (`bundle_id`);
CREATE TABLE `governance_skill_scans` (
	`bundle_id` text NOT NULL,
	`digest_key` text NOT NULL,
	`status` text NOT NULL,
	`scanner` text NOT NULL,
	`findings` text NOT NULL,
	`reason` text,
	`scanned_at` integer NOT NULL,
	PRIMARY KEY(`bundle_id`,`digest_key`)
);
CREATE TABLE `governance_sources` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`origin_url` text NOT NULL,
	`sync_mode` text NOT NULL,
	`status` text NOT NULL,
	`sync_interval_minutes` integer NOT NULL,
	`last_synced_at` integer,
	`next_run_at` integer,
	`notes` text,
	`sync_error` text,
	`failures` integer DEFAULT 0 NOT NULL,
	`requested_at` integer,
	`lease_id` text,
	`lease_until` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `governance_sources_name` ON `governance_sources` (`name`);
CREATE INDEX `governance_sources_age` ON `governance_sources` (`created_at`);
CREATE INDEX `governance_sources_due` ON `governance_sources` (`next_run_at`) WHERE next_run_at IS NOT NULL;
CREATE INDEX `governance_sources_requested` ON `governance_sources` (`requested_at`) WHERE requested_at IS NOT NULL;
CREATE TABLE `governance_source_items` (
	`id` text PRIMARY KEY NOT NULL,
	`source_id` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`upstream_id` text NOT NULL,
	`release` text,
	`digest` text,
	`metadata` text,
	`origin` text NOT NULL,
	`status` text NOT NULL,
	`installed_id` text,
	`seen_by` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `governance_source_items_upstream` ON `governance_source_items` (`source_id`,`kind`,`upstream_id`);
