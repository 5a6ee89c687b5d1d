// The pending events: an indexed 4-ary heap in typed arrays, ordered by (time, sequence). An event is a slot: a small
// integer that names it until it fires or is cancelled. Four children a node keep a node's keys in one cache line.

const CAPACITY_START = 1024;

export class EventQueue {
  size = 0;
  /** By slot. Arguments are 32-bit integers: a double would be boxed for every call of a handler. */
  handlerOf = new Int32Array(CAPACITY_START);
  argumentOf = new Int32Array(CAPACITY_START);
  private positionOf = new Int32Array(CAPACITY_START);
  /** By position in the heap. */
  private timeAt = new Float64Array(CAPACITY_START);
  private sequenceAt = new Float64Array(CAPACITY_START);
  private slotAt = new Int32Array(CAPACITY_START);
  private free = new Int32Array(CAPACITY_START);
  private freeCount = 0;
  private slotsUsed = 0;
  private sequence = 0;
  /** The root has fired and its place is empty: most events schedule a next one, which then takes it at once. */
  private rootIsHole = false;

  /** Time of the next event; call only while `size` > 0. */
  nextTimeMs(): number {
    if (this.rootIsHole) this.fillHole();
    return this.timeAt[0];
  }

  /** Takes the next event out; its slot stays readable until the next `push`. Call only while `size` > 0. */
  pop(): number {
    if (this.rootIsHole) this.fillHole();
    const slot = this.slotAt[0];
    this.rootIsHole = true;
    this.size--;
    this.free[this.freeCount++] = slot;
    return slot;
  }

  push(timeMs: number, handler: number, argument: number): number {
    const slot = this.freeCount > 0 ? this.free[--this.freeCount] : this.newSlot();
    this.handlerOf[slot] = handler;
    this.argumentOf[slot] = argument;
    const sequence = this.sequence++;
    if (this.rootIsHole) {
      this.rootIsHole = false;
      this.size++;
      this.siftDown(0, timeMs, sequence, slot, this.size);
    } else {
      this.siftUp(this.size++, timeMs, sequence, slot);
    }
    return slot;
  }

  /** Takes an event out before it fires. The slot must be pending: a fired one may already name another event. */
  cancel(slot: number): void {
    if (this.rootIsHole) this.fillHole();
    const position = this.positionOf[slot];
    const last = --this.size;
    this.free[this.freeCount++] = slot;
    if (position === last) return;
    const time = this.timeAt[last];
    const sequence = this.sequenceAt[last];
    const parent = (position - 1) >> 2;
    if (position > 0 && this.isBefore(time, sequence, parent))
      this.siftUp(position, time, sequence, this.slotAt[last]);
    else this.siftDown(position, time, sequence, this.slotAt[last], last);
  }

  private fillHole(): void {
    this.rootIsHole = false;
    const last = this.size;
    if (last > 0) this.siftDown(0, this.timeAt[last], this.sequenceAt[last], this.slotAt[last], last);
  }

  private isBefore(time: number, sequence: number, position: number): boolean {
    const other = this.timeAt[position];
    return time < other || (time === other && sequence < this.sequenceAt[position]);
  }

  private siftUp(position: number, time: number, sequence: number, slot: number): void {
    const { timeAt, sequenceAt, slotAt, positionOf } = this;
    while (position > 0) {
      const parent = (position - 1) >> 2;
      const parentTime = timeAt[parent];
      if (time > parentTime || (time === parentTime && sequence > sequenceAt[parent])) break;
      timeAt[position] = parentTime;
      sequenceAt[position] = sequenceAt[parent];
      positionOf[(slotAt[position] = slotAt[parent])] = position;
      position = parent;
    }
    timeAt[position] = time;
    sequenceAt[position] = sequence;
    positionOf[(slotAt[position] = slot)] = position;
  }

  private siftDown(position: number, time: number, sequence: number, slot: number, size: number): void {
    const { timeAt, sequenceAt, slotAt, positionOf } = this;
    for (let first = position * 4 + 1; first < size; first = position * 4 + 1) {
      const end = Math.min(first + 4, size);
      let least = first;
      let leastTime = timeAt[first];
      for (let child = first + 1; child < end; child++) {
        const childTime = timeAt[child];
        if (childTime <= leastTime && (childTime < leastTime || sequenceAt[child] < sequenceAt[least])) {
          least = child;
          leastTime = childTime;
        }
      }
      if (time <= leastTime && (time < leastTime || sequence < sequenceAt[least])) break;
      timeAt[position] = leastTime;
      sequenceAt[position] = sequenceAt[least];
      positionOf[(slotAt[position] = slotAt[least])] = position;
      position = least;
    }
    timeAt[position] = time;
    sequenceAt[position] = sequence;
    positionOf[(slotAt[position] = slot)] = position;
  }

  private newSlot(): number {
    if (this.slotsUsed === this.handlerOf.length) this.grow();
    return this.slotsUsed++;
  }

  private grow(): void {
    const length = this.handlerOf.length * 2;
    const ints = (old: Int32Array<ArrayBuffer>) => {
      const grown = new Int32Array(length);
      grown.set(old);
      return grown;
    };
    const doubles = (old: Float64Array<ArrayBuffer>) => {
      const grown = new Float64Array(length);
      grown.set(old);
      return grown;
    };
    this.handlerOf = ints(this.handlerOf);
    this.argumentOf = ints(this.argumentOf);
    this.positionOf = ints(this.positionOf);
    this.timeAt = doubles(this.timeAt);
    this.sequenceAt = doubles(this.sequenceAt);
    this.slotAt = ints(this.slotAt);
    this.free = ints(this.free);
  }
}
