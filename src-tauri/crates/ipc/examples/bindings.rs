//! Prints the TypeScript of the contract: `cargo xtask bindings` writes it to `ui/src/ipc/contract.ts`.

fn main() {
    #[expect(clippy::print_stdout, reason = "printing it is what this program is for")]
    {
        print!("{}", postern_ipc::contract::typescript());
    }
}
