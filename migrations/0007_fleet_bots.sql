CREATE TABLE `bots` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`username` text NOT NULL,
	`matrix_id` text NOT NULL,
	`name` text NOT NULL,
	`runtime` text DEFAULT 'openclaw' NOT NULL,
	`status` text NOT NULL,
	`sharing_enabled` integer DEFAULT true NOT NULL,
	`matrix_state` text DEFAULT 'unknown' NOT NULL,
	`device_id` text NOT NULL,
	`sealed_token` text,
	`instance_id` text,
	`pairing_id` text,
	`plan_disabled_at` integer,
	`claude_control_mode` text,
	`runtime_version` text,
	`sealed_recovery_key` text,
	`bootstrapped_at` integer,
	`settle_at` integer,
	`settle_attempts` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `bots_username` ON `bots` (`username`);
CREATE UNIQUE INDEX `bots_matrix_id` ON `bots` (`matrix_id`);
CREATE INDEX `bots_tenant` ON `bots` (`tenant_id`,`status`,`created_at`);
CREATE INDEX `bots_instance` ON `bots` (`tenant_id`,`instance_id`);
CREATE INDEX `bots_settle` ON `bots` (`settle_at`) WHERE settle_at IS NOT NULL;
CREATE TABLE `bot_rooms` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`bot_id` text NOT NULL,
	`room_id` text NOT NULL,
	`mode` text NOT NULL,
	`state` text NOT NULL,
	`settle_at` integer,
	`settle_attempts` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `bot_rooms_bot` ON `bot_rooms` (`bot_id`,`room_id`);
CREATE INDEX `bot_rooms_room` ON `bot_rooms` (`room_id`);
CREATE INDEX `bot_rooms_settle` ON `bot_rooms` (`settle_at`) WHERE settle_at IS NOT NULL;
CREATE TABLE `bot_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`bot_matrix_id` text NOT NULL,
	`members` text NOT NULL,
	`room_id` text,
	`state` text NOT NULL,
	`settle_at` integer,
	`settle_attempts` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE INDEX `bot_groups_tenant` ON `bot_groups` (`tenant_id`,`created_at`);
CREATE INDEX `bot_groups_room` ON `bot_groups` (`room_id`);
CREATE INDEX `bot_groups_settle` ON `bot_groups` (`settle_at`) WHERE settle_at IS NOT NULL;
CREATE TABLE `room_cleanups` (
	`room_id` text PRIMARY KEY NOT NULL,
	`settle_at` integer,
	`settle_attempts` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `room_cleanups_settle` ON `room_cleanups` (`settle_at`) WHERE settle_at IS NOT NULL;
CREATE TABLE `pairings` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`bot_id` text NOT NULL,
	`code_hash` text NOT NULL,
	`sealed_code` text NOT NULL,
	`target_instance_id` text,
	`status` text NOT NULL,
	`instance_id` text,
	`expires_at` integer NOT NULL,
	`redeemed_at` integer,
	`redeeming_until` integer,
	`claimed_at` integer,
	`closed_at` integer,
	`close_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `pairings_code` ON `pairings` (`code_hash`);
CREATE INDEX `pairings_tenant` ON `pairings` (`tenant_id`,`status`,`expires_at`);
CREATE INDEX `pairings_bot` ON `pairings` (`bot_id`,`status`);
CREATE TABLE `bot_shares` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`bot_id` text NOT NULL,
	`recipient_id` integer NOT NULL,
	`recipient_matrix_id` text NOT NULL,
	`expires_at` integer,
	`ended_at` integer,
	`end_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `bot_shares_active` ON `bot_shares` (`bot_id`,`recipient_id`) WHERE ended_at IS NULL;
CREATE INDEX `bot_shares_tenant` ON `bot_shares` (`tenant_id`,`ended_at`);
CREATE INDEX `bot_shares_recipient` ON `bot_shares` (`recipient_id`,`ended_at`);
CREATE INDEX `bot_shares_expiry` ON `bot_shares` (`expires_at`) WHERE ended_at IS NULL AND expires_at IS NOT NULL;
CREATE TABLE `featured_rooms` (
	`room_id` text PRIMARY KEY NOT NULL,
	`display_name` text,
	`description` text,
	`matrix_name` text,
	`matrix_topic` text,
	`matrix_avatar_url` text,
	`matrix_canonical_alias` text,
	`matrix_joined_member_count` integer,
	`display_order` integer NOT NULL,
	`added_by` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE INDEX `featured_rooms_order` ON `featured_rooms` (`display_order`,`created_at`);
ALTER TABLE `users` ADD `matrix_claimed_at` integer;
ALTER TABLE `users` ADD `matrix_password_stale` integer DEFAULT false NOT NULL;
ALTER TABLE `users` ADD `onboarded_rooms_at` integer;
CREATE INDEX `users_matrix_missing` ON `users` (`id`) WHERE matrix_account_created = 0 AND account_verified = 1 AND status = 'active';
ALTER TABLE `instances` ADD `roster_seq` integer DEFAULT 0 NOT NULL;
ALTER TABLE `plans` ADD `max_bots` integer;
ALTER TABLE `plans` ADD `max_bot_shares` integer;
ALTER TABLE `plans` ADD `bot_dashboard_access` integer DEFAULT false NOT NULL;
UPDATE `plans` SET `max_bots` = 2, `max_bot_shares` = 1 WHERE `key` = 'free';
UPDATE `plans` SET `max_bots` = 10, `max_bot_shares` = 10, `bot_dashboard_access` = 1 WHERE `key` = 'free_trial';
