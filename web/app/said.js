// What this client itself has to say to the person, thrown where it is found out and shown in its own words.

/** An error whose message is meant for people. Others are faults: they go to the console, and people are told that something went wrong. */
export class Said extends Error {
  code = "said";
}
