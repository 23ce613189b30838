import { ImportService } from './import.service.js';
import { instanceId } from './settings.js';
import { startInstance } from './start-instance.js';

try {
  const app = await startInstance(['warn', 'error']);
  console.log(`The instance ${instanceId} imports. Start as many as you like; kill one, and the others go on for it.`);
  await app.get(ImportService).run();
  console.log('All files are imported.');
  await app.close();
} catch (error) {
  console.error(`The import ended: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
