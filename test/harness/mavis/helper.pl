#!/usr/bin/perl
# A helper of module external, written from the description of its protocol. The first argument selects its behaviour.
use strict;
use warnings;

binmode STDIN;
binmode STDOUT;
$| = 1;
my $behaviour = shift @ARGV;
exit 3 if $behaviour eq 'dies at once';

sub answer {
    my ($values, $result, $code) = @_;
    $values->{6} = $result if defined $result;
    return join('', map { "$_ $values->{$_}\n" } sort { $a <=> $b } keys %$values) . "=$code\n";
}

my %values;
while (my $line = <STDIN>) {
    chomp $line;
    if ($line ne '=') {
        my ($number, $value) = split / /, $line, 2;
        $values{$number} = $value;
        next;
    }
    my %asked = %values;
    %values = ();
    if ($behaviour eq 'dies in the middle') {
        print substr(answer(\%asked, 'ACK', 0), 0, 20);
        exit 1;
    } elsif ($behaviour eq 'hangs') {
        sleep 1000;
    } elsif ($behaviour eq 'wrong serial') {
        $asked{21} = "somebody else's";
        print answer(\%asked, 'ACK', 0);
    } elsif ($behaviour eq 'missing serial') {
        delete $asked{21};
        print answer(\%asked, 'ACK', 0);
    } elsif ($behaviour eq 'garbage') {
        print "what is that?\n=0\n";
    } elsif ($behaviour eq 'NAK') {
        $asked{32} = "go\raway";
        print answer(\%asked, 'NAK', 0);
    } elsif ($behaviour eq 'not found') {
        print answer(\%asked, 'NFD', 0);
    } elsif ($behaviour eq 'down') {
        print answer(\%asked, undef, 16);
    } elsif ($behaviour eq 'stderr') {
        open my $errors, '>', '/dev/stderr' or die;
        print $errors "asked of $asked{4}\n";
        close $errors;
        print answer(\%asked, 'ACK', 0);
    } elsif ($behaviour eq 'small writes') {
        print $_ for split //, answer(\%asked, 'ACK', 0);
    } elsif ($behaviour eq 'twice') {
        syswrite STDOUT, answer(\%asked, 'ACK', 0) x 2;
    } elsif ($behaviour eq 'closes stdout') {
        close STDOUT;
        sleep 1000;
    } else {
        print answer(\%asked, 'ACK', 0);
    }
}
