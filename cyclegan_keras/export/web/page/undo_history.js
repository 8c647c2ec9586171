// What a drawing was before, to undo and to redo.

const MOST_STEPS = 60;

/** The states of something that can be copied, around the one that it has now. */
export class UndoHistory {
  constructor() {
    this.past = [];
    this.future = [];
  }

  /** Whether there is something to undo. */
  get canUndo() {
    return this.past.length > 0;
  }

  /** Whether there is something to redo. */
  get canRedo() {
    return this.future.length > 0;
  }

  /**
   * Keeps the state before a change. What was undone cannot be redone any more.
   *
   * @param {*} before a copy of the state.
   */
  keep(before) {
    this.past.push(before);
    if (this.past.length > MOST_STEPS) {
      this.past.shift();
    }
    this.future = [];
  }

  /**
   * Goes one change back.
   *
   * @param {*} now a copy of the state at hand.
   * @returns {*} the state to restore. There must be one: see `canUndo`.
   */
  undo(now) {
    this.future.push(now);
    return this.past.pop();
  }

  /**
   * Goes one change forward again.
   *
   * @param {*} now a copy of the state at hand.
   * @returns {*} the state to restore. There must be one: see `canRedo`.
   */
  redo(now) {
    this.past.push(now);
    return this.future.pop();
  }
}
