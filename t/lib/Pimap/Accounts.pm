package Pimap::Accounts;

# The location for operators, "/accounts", of a test, and what it answers.

use strict;
use warnings;


# t => the test, which is not running yet

sub new {
    my ($class, %set) = @_;

    $set{t}->nginx()->{locations} .= <<'END';
        location = /accounts {
            allow 127.0.0.1;
            deny all;
            pimap_accounts;
        }
END

    return bless({ %set }, $class);
}


# The answer about alice; the query has more.

sub get {
    my ($self, $query) = @_;

    return $self->{t}->get('/accounts?account=alice' . ($query // ''));
}


# The names of the devices in an answer.

sub names {
    my ($self, $got) = @_;

    return join(' ', map { $_->{device} } @{ $got->{json}{devices}{list} });
}


# Those of all workers: a slow one may miss the second that a question lasts.

sub devices {
    my ($self) = @_;

    my $got;

    $self->{t}->wait_for(sub {
        $got = $self->get();
        my ($workers, $devices) = @{ $got->{json} // {} }{qw(workers devices)};
        $workers && $workers->{asked} == $workers->{answered}
            && $devices->{count} == $devices->{here};
    }, 'all answers');

    return $self->names($got);
}


1;
