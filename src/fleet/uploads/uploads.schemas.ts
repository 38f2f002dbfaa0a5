import { z } from "zod";
import { MAX_FILE_BYTES } from "./uploads.core";

export const UploadUrlQuery = z.object({
  filename: z.string().min(1).max(255).meta({ description: "Its extension decides the type: jpg, jpeg, png, heic or pdf." }),
  matrix_id: z.string().max(255).nullish().meta({ description: "A label of the caller's; it changes nothing." }),
  size_bytes: z.coerce.number().int().min(1).max(MAX_FILE_BYTES).optional().meta({ description: "Exact size of the file. With it the address accepts that size only." }),
});

export const UploadUrlView = z.object({ upload_url: z.string(), file_url: z.string(), max_bytes: z.int() }).meta({ id: "UploadUrlResponse" });

const Location = z.string().min(1).max(4_096);

export const DocumentUrlBody = z.object({ document_url: Location, expiration: z.int().min(60).max(604_800).default(3_600) }).meta({ id: "PresignedUrlRequest" });

export const DocumentUrlView = z.object({ presigned_url: z.string(), expires_at: z.iso.datetime(), bucket: z.string(), key: z.string() }).meta({ id: "PresignedUrlResponse" });

export const DeleteUrlBody = z.object({ file_url: Location }).meta({ id: "DeleteFileRequest" });

export const DeleteUrlView = z.object({ delete_url: z.string(), upload_url: z.string() }).meta({ id: "DeletePresignedUrlResponse" });

/** Any text: the signature knows which keys are. */
export const FileRef = z.object({ user_id: z.string(), name: z.string() });

const exp = z.coerce.number().int().min(0).max(99_999_999_999);
const sig = z.string().max(128);

export const FileAccessQuery = z.object({ op: z.enum(["GET", "DELETE"]), exp, sig });

export const FileUploadQuery = z.object({ op: z.enum(["PUT"]), exp, max: z.coerce.number().int().min(0).max(MAX_FILE_BYTES), type: z.string().max(100), sig });

export const StoredFileView = z.object({ key: z.string(), size_bytes: z.int(), content_type: z.string() }).meta({ id: "StoredFile" });
