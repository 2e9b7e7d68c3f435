package Pimap::ImapSession;

# A single IMAP session of the bridge: t/driver/imap_driver.c runs it against a
# server, and a test sees the events it would publish.  The states are kept
# here, as the bridge keeps them in Redis.
#
#     my $s = Pimap::ImapSession->new(t => $t, port => $port)->start();
#     $s->wait_ready();
#     $s->event('MessageNew')->{subject}
#     $s->restart();              with the states it had

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More import => [qw(diag is is_deeply)];
use Time::HiRes qw(time);

use Pimap::Missing;
use Pimap::Process qw(patience);


# port, and if wanted host, user, secret, tls, ca, authzid, bearer, options,
# login_only, states; again => 1: it logs in again as the bridge does when the
# server says BYE, as some servers do when the selected mailbox is deleted;
# "always": after any end, which {ends} counts

sub new {
    my ($class, %set) = @_;

    my ($t, $again) = delete @set{qw(t again)};

    return bless({ t => $t, again => $again, set => { host => '127.0.0.1',
        user => 'alice', secret => 'secret', %set },
        states => $set{states} // {} }, $class);
}


sub start {
    my ($self, %set) = @_;

    @{ $self->{set} }{keys %set} = values %set;
    @{$self}{qw(lines all)} = ([], []);

    return $self->_run();
}


sub _run {
    my ($self) = @_;

    my $t = $self->{t};

    $self->{set}{states} = $self->{states};
    @{$self}{qw(text over)} = ('', 0);

    $self->{process} = $t->start(pipe => 1, input => 1,
        errors => $t->dir() . '/report.imap_driver',
        command => [$t->driver('imap_driver'),
            JSON::PP->new->utf8->canonical->encode($self->{set})]);

    return $self;
}


# The next line for which the condition is true, or a Pimap::Missing; drops
# other lines.

sub line {
    my ($self, $condition, $deadline) = @_;
    return $self->_line($condition, time() + patience($deadline));
}


sub _line {
    my ($self, $condition, $end) = @_;

    while (1) {
        while (my $line = shift(@{ $self->{lines} })) {
            return $line if $condition->($line);
        }

        return Pimap::Missing->new() if !$self->_read($end);
    }
}


sub wait_ready {
    my ($self) = @_;
    my $line = $self->line(sub { $_[0]{what} =~ /^(?:ready|failed)$/ });

    return $line && ($line->{how} // "failed: $line->{why}");
}


sub failure {
    my ($self, $deadline) = @_;
    return $self->line(sub { $_[0]{what} eq 'failed' }, $deadline);
}


# The next event, of that name if one is given.

sub event {
    my ($self, $name, $deadline) = @_;

    my $end = time() + patience($deadline);

    while (1) {
        while (my $event = shift(@{ $self->{events} })) {
            return $event if !$name || $event->{event} eq $name;
        }

        my $line = $self->_line(sub { $_[0]{what} eq 'publish'
            && @{ $_[0]{events} } }, $end);

        return $line if !$line;
        push(@{ $self->{events} },
            grep { !_is_first_look($_) } @{ $line->{events} });
    }
}


# All events from now on, until none has come for a while.

sub events {
    my ($self, $quiet) = @_;

    my @events;

    while (my $event = $self->event(undef, $quiet // 1.5)) {
        push(@events, $event);
    }

    return @events;
}


# Executes an update: its result.

sub update {
    my ($self, %update) = @_;

    return $self->result($self->ask(\%update));
}


# Sends several updates at once; returns their ids.

sub ask {
    my ($self, @updates) = @_;

    my @ids = map { 'u' . ++$self->{updates} } @updates;
    my $n = 0;

    $self->{process}->type(join('', map {
        JSON::PP->new->utf8->encode({ %$_, id => $ids[$n++] }) . "\n"
    } @updates));

    return @ids;
}


sub result {
    my ($self, $id) = @_;

    my $line = $self->_keep(sub { $_[0]{what} eq 'result'
        && $_[0]{id} eq $id });

    return $line && $line->{result};
}


# As line(), but events are not dropped.

sub _keep {
    my ($self, $condition) = @_;

    my $end = time() + patience();
    my $n = 0;

    while (1) {
        for ( ; $n < @{ $self->{lines} }; $n++) {
            return splice(@{ $self->{lines} }, $n, 1)
                if $condition->($self->{lines}[$n]);
        }

        return Pimap::Missing->new() if !$self->_read($end);
    }
}


sub states { $_[0]{states} }
sub all    { @{ $_[0]{all} } }


# The state of a device that applies all events:
# see t/bridge/bridge_imap_truth.t.

sub published {
    my ($self) = @_;
    return grep { !_is_first_look($_) } map { @{ $_->{events} // [] } }
        grep { $_->{what} eq 'publish' } $self->all();
}


# It is published once, as changes before it are not known.

sub _is_first_look {
    my ($event) = @_;

    return $event->{event} eq 'MailboxResync' ? !exists $event->{mailbox}
        : $event->{all} && !exists $event->{collection};
}


# Checks that the events are exactly those of Pimap::MailServer's miss(), for
# the expunged message's UID.  Five tests.

sub is_missed {
    my ($self, $expunged) = @_;

    my @published = $self->published();
    my %missed = map { $_->{event} => $_ } @published;

    is_deeply($missed{MessageExpunge}{uids}, [$expunged],
        '    the expunged message');
    is_deeply([@{ $missed{FlagsSet} // {} }{qw(uids flags)}],
        [[1], ['\Answered']], '    the flags set');
    is($missed{MailboxCreate}{mailbox}, 'Fresh', '    a mailbox');
    is(join(' ', sort map { $_->{subject} } grep { $_->{subject} }
        @published), 'fresh missed', '    the delivered messages');
    is(scalar(grep { $_->{event} !~ /^Mailbox/ } @published), 4,
        '    and nothing else');
}


sub stop {
    my ($self, $signal) = @_;

    $self->_end($signal);
    $self->{events} = [];
}


sub _end {
    my ($self, $signal) = @_;

    close($self->{process}{type});
    $self->{t}->stop($self->{process}, $signal // 'TERM');
}


sub restart {
    my ($self, %set) = @_;

    $self->stop('KILL');

    return $self->start(%set);
}


sub _read {
    my ($self, $end) = @_;

    my $fh = $self->{process}->fh();
    my $left = $end - time();

    return if !IO::Select->new($fh)->can_read($left > 0 ? $left : 0);

    if (!sysread($fh, $self->{text}, 65536, length($self->{text}))) {
        my ($failed) = grep { $_->{what} eq 'failed' } reverse($self->all());

        if ($self->{again} && $failed && ($self->{again} eq 'always'
            || $failed->{why} =~ /^BYE/))
        {
            $self->{ends}{$failed->{why}}++;
            $self->_end();
            return $self->_run();
        }

        diag('the session is over: ' . ($failed ? $failed->{why} : $!))
            if !$self->{over}++;
        return;
    }

    while ($self->{text} =~ s/^(.*)\n//) {
        my $line = JSON::PP->new->utf8->decode($1);

        push(@{ $self->{lines} }, $line);
        push(@{ $self->{all} }, $line);

        next if $line->{what} ne 'publish';

        if ($line->{state}) {
            $self->{states}{$line->{mailbox}} = $line->{state};

        } else {
            delete $self->{states}{$line->{mailbox}};
        }
    }

    return 1;
}


1;
