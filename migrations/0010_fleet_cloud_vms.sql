ALTER TABLE `instances` ADD `cloud_vm_id` text;
CREATE TABLE `cloud_vms` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`instance_id` text NOT NULL,
	`name` text NOT NULL,
	`wish` text,
	`driver` text NOT NULL,
	`tag` text NOT NULL,
	`cpu` integer NOT NULL,
	`ram_gb` integer NOT NULL,
	`disk_gb` integer,
	`llm_provider` text,
	`sealed_llm_key` text,
	`server_url` text NOT NULL,
	`token_id` text,
	`sealed_token` text,
	`computer_id` text,
	`workspace_id` text,
	`workspace_name` text,
	`status` text NOT NULL,
	`step` text NOT NULL,
	`step_started_at` integer NOT NULL,
	`step_deadline_at` integer NOT NULL,
	`step_tries` integer DEFAULT 0 NOT NULL,
	`step_percent` integer DEFAULT 0 NOT NULL,
	`detail` text,
	`last_error` text,
	`last_error_at` integer,
	`installed_at` integer,
	`beats_since` integer,
	`reboot_at` integer,
	`create_called_at` integer,
	`missing_since` integer,
	`mended_at` integer,
	`unpaid_since` integer,
	`destroy_after` integer,
	`settle_at` integer,
	`settle_attempts` integer DEFAULT 0 NOT NULL,
	`destroyed_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `cloud_vms_instance` ON `cloud_vms` (`instance_id`);
CREATE UNIQUE INDEX `cloud_vms_tag` ON `cloud_vms` (`tag`);
CREATE UNIQUE INDEX `cloud_vms_wish` ON `cloud_vms` (`tenant_id`,`wish`);
CREATE INDEX `cloud_vms_tenant` ON `cloud_vms` (`tenant_id`,`created_at`);
CREATE INDEX `cloud_vms_settle` ON `cloud_vms` (`settle_at`) WHERE settle_at IS NOT NULL;
CREATE INDEX `cloud_vms_destroy_after` ON `cloud_vms` (`destroy_after`) WHERE destroy_after IS NOT NULL;
CREATE TABLE `reconcile_findings` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`kind` text NOT NULL,
	`subject` text NOT NULL,
	`driver` text NOT NULL,
	`detail` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`resolved_at` integer
);
CREATE UNIQUE INDEX `reconcile_findings_subject` ON `reconcile_findings` (`kind`,`subject`);
CREATE INDEX `reconcile_findings_open` ON `reconcile_findings` (`resolved_at`,`last_seen_at`);
