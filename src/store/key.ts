export { byteStringOfText, textOfByteString } from '../base/byte-string.ts';
