//! A service's addresses while it runs: looked after, and bound and unbound where that is our business.

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::binding::{Addresses, BindingError};
use crate::journal::Journal;
use crate::service::{Binding, Service};
use crate::wait::pause;

/// From a withdrawal to the moment in which the addresses are taken off `lo`: what is on its way arrives.
pub(super) const UNBIND_AFTER: Duration = Duration::from_secs(2);

/// A kernel that could not be asked is asked again after this time.
const AGAIN: Duration = Duration::from_secs(1);

/// Which of the service's addresses are not there.
pub(super) type Missing = (usize, Vec<IpAddr>);

/// Tells what is missing, whenever that changes. `wanted`: the addresses are to be there.
pub(super) async fn tend(
    index: usize,
    service: Service,
    mut wanted: watch::Receiver<bool>,
    tell: mpsc::UnboundedSender<Missing>,
    journal: Journal,
) {
    if service.binding == Binding::Ignored {
        return;
    }
    let mut told = None;
    loop {
        let failed = tend_until_failure(index, &service, &mut wanted, &tell, &journal).await.to_string();
        // Whether they are there is not known: nothing is announced, or taken back, for that.
        if told.as_ref() != Some(&failed) {
            journal.note(format_args!("ERROR: {}: {failed}", service.name));
            told = Some(failed);
        }
        pause(AGAIN).await;
    }
}

async fn tend_until_failure(
    index: usize,
    service: &Service,
    wanted: &mut watch::Receiver<bool>,
    tell: &mpsc::UnboundedSender<Missing>,
    journal: &Journal,
) -> BindingError {
    let mut addresses = match Addresses::watch(&service.addresses) {
        Ok(addresses) => addresses,
        Err(error) => return error,
    };
    let is_ours = service.binding == Binding::Managed;
    loop {
        let mut missing = match addresses.missing().await {
            Ok(missing) => missing,
            Err(error) => return error,
        };
        if is_ours && *wanted.borrow_and_update() {
            for address in std::mem::take(&mut missing) {
                match addresses.bind(address).await {
                    Ok(()) => journal.note(format_args!("bound {}: {address}", service.name)),
                    Err(error) => {
                        journal.note(format_args!("ERROR: {}: {error}", service.name));
                        missing.push(address);
                    }
                }
            }
        }
        tell.send((index, missing)).ok();
        tokio::select! {
            changed = addresses.changed() => match changed {
                Ok(_) => {}
                Err(error) => return error,
            },
            Ok(()) = wanted.changed(), if is_ours => {
                if !*wanted.borrow() {
                    pause(UNBIND_AFTER).await;
                }
                // It may be wanted again by now.
                if !*wanted.borrow()
                    && let Err(error) = unbind(&addresses, service, journal).await
                {
                    journal.note(format_args!("ERROR: {}: {error}", service.name));
                }
            }
        }
    }
}

async fn unbind(addresses: &Addresses, service: &Service, journal: &Journal) -> Result<(), BindingError> {
    for address in &service.addresses {
        addresses.unbind(*address).await?;
        journal.note(format_args!("unbound {}: {address}", service.name));
    }
    Ok(())
}

/// At the end: waits for what is on its way, then takes the addresses of all services that we have bound off `lo`.
pub(super) async fn leave(services: &[&Service], journal: &Journal) {
    let ours: Vec<&&Service> = services.iter().filter(|service| service.binding == Binding::Managed).collect();
    if ours.is_empty() {
        return;
    }
    pause(UNBIND_AFTER / 2).await;
    for service in ours {
        let unbound = match Addresses::watch(&service.addresses) {
            Ok(addresses) => unbind(&addresses, service, journal).await,
            Err(error) => Err(error),
        };
        if let Err(error) = unbound {
            journal.note(format_args!("ERROR: {}: {error}", service.name));
        }
    }
}
