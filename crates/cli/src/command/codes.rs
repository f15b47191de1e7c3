//! `veriseal codes`: what a code means, who acts, and what to do.

use crate::arguments::CodesArguments;
use crate::console::Console;
use crate::exit::Exit;
use veriseal::Code;
use veriseal::code::{Class, Who, bounded};

/// Explains one code, or lists all of them.
pub(crate) fn run(arguments: &CodesArguments, console: &mut Console) -> Exit {
    let Some(wanted) = &arguments.code else {
        for code in Code::ALL {
            console.print(format_args!("{:<36} {}\n", code.name(), code.meaning()));
        }
        return Exit::Accepted;
    };
    let spelled = wanted.to_ascii_uppercase().replace('-', "_");
    let number = wanted.parse().ok();
    let Some(code) = Code::ALL.iter().find(|code| code.name() == spelled || Some(code.number()) == number) else {
        console.note(format_args!("no code is called {}: `veriseal codes` lists them all", bounded(wanted)));
        return Exit::Usage;
    };
    console.print(format_args!(
        "{} ({})\n  means:      {}\n  verdict:    {}\n  who acts:   {}\n  what to do: {}\n",
        code.name(),
        code.number(),
        code.meaning(),
        class(code.class()),
        who(code.who()),
        code.action(),
    ));
    Exit::Accepted
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Accepted => "accepted: the requirement holds",
        Class::Rejected => "rejected: asking again changes nothing",
        Class::Undecided => "undecided: it could not be found out, and asking again may help",
        Class::Usage => "none: what the caller gave cannot be used",
        Class::Notice => "none by itself: worth knowing",
        _ => "never accepted: a defect of veriseal",
    }
}

fn who(who: Who) -> &'static str {
    match who {
        Who::Nobody => "nobody needs to",
        Who::Caller => "whoever called veriseal or wrote its configuration",
        Who::Signer => "whoever builds and signs the image",
        Who::Registry => "whoever runs the registry, or the network to it",
        Who::TrustOperator => "whoever runs the log or the authorities, or distributes their keys",
        _ => "the authors of veriseal",
    }
}
