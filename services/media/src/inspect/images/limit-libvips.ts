import sharp from 'sharp'

/**
 * What libvips may do in this process: read the six formats that we take, from memory, without threads and caches of its own.
 * All else that it could open (SVG, PDF, files, addresses) it does not know.
 */
export function limitLibvips(): void {
  sharp.cache(false)
  sharp.concurrency(1)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({
    operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif', 'Tiff'].map((format) => `VipsForeignLoad${format}Buffer`),
  })
}
